/** Small SVG charts and field pictures for the report; everything is a string of markup. */
import type { KdTree } from "./interpolation";
import { encodePng } from "./png";

/** A line, or dots. */
export interface Series {
  readonly label: string;
  /** CSS colour. */
  readonly colour: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Points instead of a line. */
  readonly isDots?: boolean;
}

/** Title, axes and size of a {@link lineChart}. */
export interface LineChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly width?: number;
  readonly height?: number;
  /** Logarithmic y axis. */
  readonly isLog?: boolean;
  /** y grows downwards, as pressure coefficients are drawn. */
  readonly isInverted?: boolean;
}

/** Round numbers that divide a range into about `count` steps. */
export function ticks(low: number, high: number, count = 5): number[] {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw)!;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, k) => (first + k) * step);
}

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** Lines and dots over two axes. */
export function lineChart(series: readonly Series[], options: LineChartOptions): string {
  const { title, xLabel, yLabel, width = 460, height = 300, isLog = false, isInverted = false } = options;
  const box = { left: 58, right: width - 12, top: 30, bottom: height - 42 };
  const transform = (y: number): number => (isLog ? Math.log10(y) : y);
  const xs = series.flatMap((line) => Array.from(line.x));
  const ys = series.flatMap((line) => Array.from(line.y, transform)).filter(Number.isFinite);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const margin = 0.05 * (Math.max(...ys) - Math.min(...ys) || 1);
  const [y0, y1] = [Math.min(...ys) - margin, Math.max(...ys) + margin];
  const px = (x: number): number => box.left + ((x - x0) / (x1 - x0 || 1)) * (box.right - box.left);
  const py = (y: number): number => {
    const t = (transform(y) - y0) / (y1 - y0);
    return isInverted ? box.top + t * (box.bottom - box.top) : box.bottom - t * (box.bottom - box.top);
  };

  const yTicks = isLog
    ? [1, 2, 5]
        .flatMap((m) => Array.from({ length: 12 }, (_, k) => m * 10 ** (k - 8)))
        .filter((y) => Math.log10(y) > y0 && Math.log10(y) < y1)
    : ticks(y0, y1, 8);
  const grid = [
    ...yTicks.map(
      (y) =>
        `<line class="grid" x1="${box.left}" x2="${box.right}" y1="${py(y).toFixed(1)}" y2="${py(y).toFixed(1)}"/>` +
        `<text x="${box.left - 6}" y="${(py(y) + 4).toFixed(1)}" text-anchor="end">${short(y)}</text>`,
    ),
    ...ticks(x0, x1, 8).map(
      (x) =>
        `<line class="grid" x1="${px(x).toFixed(1)}" x2="${px(x).toFixed(1)}" y1="${box.top}" y2="${box.bottom}"/>` +
        `<text x="${px(x).toFixed(1)}" y="${box.bottom + 16}" text-anchor="middle">${short(x)}</text>`,
    ),
  ];
  const lines = series.map(({ x, y, colour, isDots }) => {
    const points = Array.from(x, (value, n) => [px(value).toFixed(1), py(y[n]!).toFixed(1)] as const);
    if (isDots) return points.map(([a, b]) => `<circle cx="${a}" cy="${b}" r="1.8" fill="${colour}"/>`).join("");
    return `<polyline points="${points.map((point) => point.join(",")).join(" ")}" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
  });
  const legend = series.map(
    ({ label, colour }, n) =>
      `<rect x="${box.right - 118}" y="${box.top + 6 + 17 * n}" width="12" height="4" fill="${colour}"/>` +
      `<text x="${box.right - 100}" y="${box.top + 12 + 17 * n}">${label}</text>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<text class="title" x="${box.left}" y="18">${title}</text>
${grid.join("")}<rect class="frame" x="${box.left}" y="${box.top}" width="${box.right - box.left}" height="${box.bottom - box.top}"/>
${lines.join("")}${legend.join("")}
<text x="${(box.left + box.right) / 2}" y="${height - 8}" text-anchor="middle">${xLabel}</text>
<text transform="translate(14 ${(box.top + box.bottom) / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>
</svg>`;
}

type Colour = readonly [red: number, green: number, blue: number];

/** From dark blue over green to yellow, even in lightness. */
export const SEQUENTIAL: readonly Colour[] = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];
/** Blue for negative, white for zero, red for positive. */
export const DIVERGING: readonly Colour[] = [
  [33, 102, 172],
  [146, 197, 222],
  [247, 247, 247],
  [244, 165, 130],
  [178, 24, 43],
];

function colourAt(scale: readonly Colour[], t: number): Colour {
  const place = Math.min(1, Math.max(0, t)) * (scale.length - 1);
  const n = Math.min(scale.length - 2, Math.floor(place));
  const mix = (c: 0 | 1 | 2): number => Math.round(scale[n]![c] + (place - n) * (scale[n + 1]![c] - scale[n]![c]));
  return [mix(0), mix(1), mix(2)];
}

/** Part of the plane that is shown, in chords. */
export const VIEW = { x0: -0.4, x1: 1.4, y0: -0.45, y1: 0.45 } as const;

/** What {@link fieldPicture} draws. */
export interface FieldPicture {
  readonly title: string;
  /** Search tree over the points; value of each point. */
  readonly tree: KdTree;
  readonly values: ArrayLike<number>;
  /** Contour of the airfoil: x0, y0, x1, y1, … */
  readonly contour: ArrayLike<number>;
  readonly range: readonly [number, number];
  readonly scale: readonly Colour[];
}

/** A scalar field as a picture with its colour bar. */
export function fieldPicture({ title, tree, values, contour, range, scale }: FieldPicture): string {
  const [columns, rows] = [240, 120];
  const rgba = new Uint8Array(4 * columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = VIEW.x0 + ((column + 0.5) / columns) * (VIEW.x1 - VIEW.x0);
      const y = VIEW.y1 - ((row + 0.5) / rows) * (VIEW.y1 - VIEW.y0);
      const value = tree.interpolate(values, 1, x, y)[0]!;
      rgba.set([...colourAt(scale, (value - range[0]) / (range[1] - range[0])), 255], 4 * (row * columns + column));
    }
  }
  const [width, height] = [320, 160];
  const points = Array.from({ length: contour.length / 2 }, (_, n) => {
    const x = ((contour[2 * n]! - VIEW.x0) / (VIEW.x1 - VIEW.x0)) * width;
    const y = ((VIEW.y1 - contour[2 * n + 1]!) / (VIEW.y1 - VIEW.y0)) * height;
    return `${x.toFixed(2)},${(y + 22).toFixed(2)}`;
  });
  const stops = scale.map(
    ([r, g, b], n) => `<stop offset="${n / (scale.length - 1)}" stop-color="rgb(${r},${g},${b})"/>`,
  );
  const gradient = `g${gradients++}`;
  return `<svg viewBox="0 0 ${width} ${height + 46}" role="img" aria-label="${title}">
<text class="title" x="0" y="15">${title}</text>
<image href="data:image/png;base64,${encodePng(columns, rows, rgba).toString("base64")}" x="0" y="22" width="${width}" height="${height}" preserveAspectRatio="none"/>
<polygon class="body" points="${points.join(" ")}"/>
<defs><linearGradient id="${gradient}">${stops.join("")}</linearGradient></defs>
<rect x="60" y="${height + 29}" width="200" height="9" fill="url(#${gradient})"/>
<text x="55" y="${height + 38}" text-anchor="end">${short(range[0])}</text><text x="265" y="${height + 38}">${short(range[1])}</text>
</svg>`;
}

let gradients = 0;
