import { escapeHtml } from "./html";

/** A line, or dots. Of both, values that are not finite are left out. */
export interface ChartLine {
  readonly label: string;
  /** CSS colour; default: the next of a palette. */
  readonly colour?: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number | null>;
  /** Points instead of a line. */
  readonly isDots?: boolean;
}

/** Title, axes and size of a {@link lineChart}. */
export interface LineChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel?: string;
  readonly width?: number;
  readonly height?: number;
  /** Logarithmic y axis; values that are not positive are left out. */
  readonly isLog?: boolean;
  /** y grows downwards, as pressure coefficients are drawn. */
  readonly isInverted?: boolean;
}

const PALETTE = ["#4e79a7", "#e15759", "#59a14f", "#f28e2b", "#b07aa1", "#76b7b2", "#9c755f", "#d4a90d"];

/** Round numbers that divide a range into about `count` steps. */
export function ticks(low: number, high: number, count = 5): number[] {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * (1 - 1e-9))!;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, k) => (first + k) * step);
}

/** Powers of ten in a range, with their halves and doubles where there are few. */
function logarithmicTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const decades = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, k) => 10 ** (first + k));
  const steps = decades.length > 4 ? [1] : [1, 2, 5];
  return decades.flatMap((decade) => steps.map((step) => step * decade)).filter((y) => y >= low && y <= high);
}

const short = (value: number): string => {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential(0) : String(Number(value.toPrecision(3)));
};

/** Lines and dots over two axes, as an SVG that a page can hold. */
export function lineChart(lines: readonly ChartLine[], options: LineChartOptions): string {
  const { title, xLabel, yLabel = "", width = 460, height = 300, isLog = false, isInverted = false } = options;
  const box = { left: 58, right: width - 12, top: 30, bottom: height - 42 };
  const transform = (y: number): number => (isLog ? Math.log10(y) : y);
  const points = lines.map(({ x, y }) =>
    Array.from(x, (value, i) => [value, y[i] ?? NaN] as const).filter(
      ([a, b]) => Number.isFinite(a) && Number.isFinite(transform(b)),
    ),
  );
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of points.flat()) {
    [x0, x1] = [Math.min(x0, x), Math.max(x1, x)];
    [y0, y1] = [Math.min(y0, transform(y)), Math.max(y1, transform(y))];
  }
  const isEmpty = x0 > x1;
  if (isEmpty) [x0, x1, y0, y1] = [0, 1, 0, 1];
  const margin = 0.05 * (y1 - y0 || 1);
  [y0, y1] = [y0 - margin, y1 + margin];
  const px = (x: number): string => (box.left + ((x - x0) / (x1 - x0 || 1)) * (box.right - box.left)).toFixed(1);
  const py = (y: number): string => {
    const share = (transform(y) - y0) / (y1 - y0);
    const length = share * (box.bottom - box.top);
    return (isInverted ? box.top + length : box.bottom - length).toFixed(1);
  };
  const yTicks = isLog ? logarithmicTicks(10 ** y0, 10 ** y1) : ticks(y0, y1, 6);
  const grid = [
    ...yTicks.map(
      (y) =>
        `<line class="grid" x1="${box.left}" x2="${box.right}" y1="${py(y)}" y2="${py(y)}"/>` +
        `<text x="${box.left - 6}" y="${(Number(py(y)) + 4).toFixed(1)}" text-anchor="end">${short(y)}</text>`,
    ),
    ...ticks(x0, x1, 6).map(
      (x) =>
        `<line class="grid" x1="${px(x)}" x2="${px(x)}" y1="${box.top}" y2="${box.bottom}"/>` +
        `<text x="${px(x)}" y="${box.bottom + 16}" text-anchor="middle">${short(x)}</text>`,
    ),
  ];
  const colourOf = (n: number): string => lines[n]!.colour ?? PALETTE[n % PALETTE.length]!;
  const curves = points.map((own, n) => {
    const places = own.map(([x, y]) => [px(x), py(y)] as const);
    if (lines[n]!.isDots || places.length === 1)
      return places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="1.8" fill="${colourOf(n)}"/>`).join("");
    const path = places.map((place) => place.join(",")).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colourOf(n)}" stroke-width="1.6"/>`;
  });
  const legend =
    lines.length === 1
      ? []
      : lines.map(
          ({ label }, n) =>
            `<rect x="${box.right - 138}" y="${box.top + 6 + 17 * n}" width="12" height="4" fill="${colourOf(n)}"/>` +
            `<text x="${box.right - 120}" y="${box.top + 12 + 17 * n}">${escapeHtml(label)}</text>`,
        );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">
<text class="title" x="${box.left}" y="18">${escapeHtml(title)}</text>
${isEmpty ? "" : grid.join("")}<rect class="frame" x="${box.left}" y="${box.top}" width="${box.right - box.left}" height="${box.bottom - box.top}"/>
${curves.join("")}${legend.join("")}
<text x="${(box.left + box.right) / 2}" y="${height - 8}" text-anchor="middle">${escapeHtml(xLabel)}</text>
<text transform="translate(14 ${(box.top + box.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>
</svg>`;
}
