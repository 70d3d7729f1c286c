/** Field pictures for the report, as strings of markup. */
import type { KdTree } from "./interpolation";
import { encodePng } from "noether-ts/data";

const short = (value: number): string => String(Number(value.toPrecision(3)));

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
  const rgb = new Uint8Array(3 * columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = VIEW.x0 + ((column + 0.5) / columns) * (VIEW.x1 - VIEW.x0);
      const y = VIEW.y1 - ((row + 0.5) / rows) * (VIEW.y1 - VIEW.y0);
      const value = tree.interpolate(values, 1, x, y)[0]!;
      rgb.set(colourAt(scale, (value - range[0]) / (range[1] - range[0])), 3 * (row * columns + column));
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
<image href="data:image/png;base64,${encodePng(columns, rows, rgb).toString("base64")}" x="0" y="22" width="${width}" height="${height}" preserveAspectRatio="none"/>
<polygon class="body" points="${points.join(" ")}"/>
<defs><linearGradient id="${gradient}">${stops.join("")}</linearGradient></defs>
<rect x="60" y="${height + 29}" width="200" height="9" fill="url(#${gradient})"/>
<text x="55" y="${height + 38}" text-anchor="end">${short(range[0])}</text><text x="265" y="${height + 38}">${short(range[1])}</text>
</svg>`;
}

let gradients = 0;
