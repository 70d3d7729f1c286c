import { encodePng, type Mesh } from "noether-ts/data";
import { DIVERGING } from "../airfoil/charts";

const WIDTH = 560;
const HEIGHT = 330;
type Vector = readonly [number, number, number];

/** Directions of a picture in space: from the eye, to the right, up. */
interface View {
  readonly away: Vector;
  readonly right: Vector;
  readonly up: Vector;
}

/** An eye that looks along a compass direction (0: with the flow) and downwards, in degrees. */
function view(compass: number, down: number): View {
  const [c, s] = [Math.cos((compass * Math.PI) / 180), Math.sin((compass * Math.PI) / 180)];
  const [cd, sd] = [Math.cos((down * Math.PI) / 180), Math.sin((down * Math.PI) / 180)];
  return { away: [c * cd, s * cd, -sd], right: [s, -c, 0], up: [c * sd, s * sd, cd] };
}

const VIEWS = [view(40, 25), view(140, 25)];

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/**
 * A half body as a whole, one column for each field on its cells (such as CFD, prediction, difference), seen from ahead (top) and from
 * behind (bottom): a PNG. All columns have one scale of colours, blue for the most negative value of the first field, white for zero, red.
 */
export function pictures(mesh: Mesh, fields: readonly Float32Array[]): Buffer {
  const limit = fields[0]!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const width = WIDTH * fields.length;
  const height = HEIGHT * VIEWS.length;
  const image = new Uint8Array(3 * width * height).fill(255);
  for (const [row, from] of VIEWS.entries()) {
    const cellOf = visibleCells(mesh, from);
    for (const [column, field] of fields.entries()) {
      for (let y = 0; y < HEIGHT; y++) {
        for (let x = 0; x < WIDTH; x++) {
          const cell = cellOf[y * WIDTH + x]!;
          if (cell >= 0) image.set(colour(field[cell]! / limit), 3 * ((row * HEIGHT + y) * width + column * WIDTH + x));
        }
      }
    }
  }
  return encodePng(width, height, image);
}

/** @param value from -1 to 1 */
function colour(value: number): [number, number, number] {
  const place = Math.min(1, Math.max(0, (value + 1) / 2)) * (DIVERGING.length - 1);
  const n = Math.min(DIVERGING.length - 2, Math.floor(place));
  const mix = (c: 0 | 1 | 2) => Math.round(DIVERGING[n]![c] + (place - n) * (DIVERGING[n + 1]![c] - DIVERGING[n]![c]));
  return [mix(0), mix(1), mix(2)];
}

/** The cell that each pixel shows, -1 for none. */
function visibleCells(mesh: Mesh, { away, right, up }: View): Int32Array {
  const { points } = mesh;
  const { connectivity, offsets } = mesh.cells;
  const halves = [1, -1].map((side) =>
    Array.from({ length: mesh.numberOfPoints }, (_, i): Vector => {
      const point: Vector = [points[3 * i]!, side * points[3 * i + 1]!, points[3 * i + 2]!];
      return [dot(point, right), dot(point, up), dot(point, away)];
    }),
  );
  const all = halves.flat();
  const range = (axis: 0 | 1) => {
    const values = all.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)] as const;
  };
  const [[left, rightmost], [bottom, top]] = [range(0), range(1)];
  const scale = 0.92 * Math.min(WIDTH / (rightmost - left), HEIGHT / (top - bottom));
  const toPixel = ([x, y, depth]: Vector): Vector => [
    WIDTH / 2 + scale * (x - (left + rightmost) / 2),
    HEIGHT / 2 - scale * (y - (bottom + top) / 2),
    depth,
  ];
  const cellOf = new Int32Array(WIDTH * HEIGHT).fill(-1);
  const depths = new Float64Array(WIDTH * HEIGHT).fill(Infinity);
  for (const half of halves) {
    const pixels = half.map(toPixel);
    for (let cell = 0; cell < mesh.numberOfCells; cell++) {
      const first = offsets[cell]!;
      for (let i = first + 1; i + 1 < offsets[cell + 1]!; i++) {
        const corners = [first, i, i + 1].map((at) => pixels[connectivity[at]!]!) as [Vector, Vector, Vector];
        fillTriangle(corners, (at, depth) => {
          if (depth >= depths[at]!) return;
          depths[at] = depth;
          cellOf[at] = cell;
        });
      }
    }
  }
  return cellOf;
}

/** Calls `paint` for every pixel whose middle is in a triangle. */
function fillTriangle(
  [a, b, c]: readonly [Vector, Vector, Vector],
  paint: (pixel: number, depth: number) => void,
): void {
  const area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
  if (area === 0) return;
  const [xs, ys] = [
    [a[0], b[0], c[0]],
    [a[1], b[1], c[1]],
  ];
  for (let y = Math.max(0, Math.floor(Math.min(...ys))); y <= Math.min(HEIGHT - 1, Math.max(...ys)); y++) {
    for (let x = Math.max(0, Math.floor(Math.min(...xs))); x <= Math.min(WIDTH - 1, Math.max(...xs)); x++) {
      const [px, py] = [x + 0.5, y + 0.5];
      const v = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area;
      const w = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area;
      if (v >= 0 && w >= 0 && v + w <= 1) paint(y * WIDTH + x, a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2]));
    }
  }
}
