import type { Colour, Palette } from "./colours";

type Triple = readonly [number, number, number];

/** Digits and what stands beside them, 3 × 5 pixels each, rows from the top, the leftmost pixel being 4. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  "0": [7, 5, 5, 5, 7],
  "1": [2, 6, 2, 2, 7],
  "2": [7, 1, 7, 4, 7],
  "3": [7, 1, 7, 1, 7],
  "4": [5, 5, 7, 1, 1],
  "5": [7, 4, 7, 1, 7],
  "6": [7, 4, 7, 5, 7],
  "7": [7, 1, 2, 2, 2],
  "8": [7, 5, 7, 5, 7],
  "9": [7, 5, 7, 1, 7],
  ".": [0, 0, 0, 0, 2],
  "-": [0, 0, 7, 0, 0],
  "+": [0, 2, 7, 2, 0],
  e: [7, 5, 7, 4, 7],
};
const GLYPH_SIZE = 3;

/** RGB pixels on white, with a depth each: what is nearer to the eye stays. */
export class Canvas {
  readonly pixels: Uint8Array;
  readonly #depth: Float32Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Uint8Array(3 * width * height).fill(255);
    this.#depth = new Float32Array(width * height).fill(-Infinity);
  }

  #set(x: number, y: number, depth: number, colour: Colour): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = y * this.width + x;
    if (!(depth >= this.#depth[at]!)) return;
    this.#depth[at] = depth;
    this.pixels.set(colour, 3 * at);
  }

  /** A triangle of corners (x, y, depth), whose values change linearly in between; `light` dims its colours. */
  triangle(corners: readonly [Triple, Triple, Triple], values: Triple, palette: Palette, light: number): void {
    const [[ax, ay, az], [bx, by, bz], [cx, cy, cz]] = corners;
    const double = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
    if (double === 0 || !Number.isFinite(double)) return;
    const left = Math.max(0, Math.floor(Math.min(ax, bx, cx)));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(ax, bx, cx)));
    const top = Math.max(0, Math.floor(Math.min(ay, by, cy)));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(ay, by, cy)));
    const slack = -1e-6; // so that no gap is left between neighbours
    const [va, vb, vc] = values;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / double;
        const v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / double;
        const w = 1 - u - v;
        if (u < slack || v < slack || w < slack) continue;
        const at = y * this.width + x;
        const depth = u * az + v * bz + w * cz;
        if (!(depth >= this.#depth[at]!)) continue;
        this.#depth[at] = depth;
        const colour = 3 * palette.indexOf(u * va + v * vb + w * vc);
        for (let c = 0; c < 3; c++) this.pixels[3 * at + c] = light * palette.colours[colour + c]!;
      }
    }
  }

  /** A square point of `size` pixels. */
  dot([x, y, depth]: Triple, size: number, colour: Colour): void {
    const [left, top] = [Math.round(x - size / 2), Math.round(y - size / 2)];
    for (let dx = 0; dx < size; dx++) for (let dy = 0; dy < size; dy++) this.#set(left + dx, top + dy, depth, colour);
  }

  rectangle(left: number, top: number, width: number, height: number, colour: Colour): void {
    for (let y = top; y < top + height; y++)
      for (let x = left; x < left + width; x++) this.#set(x, y, Infinity, colour);
  }

  /** A number with three digits, its upper left corner at a place. */
  number(left: number, top: number, value: number): void {
    let x = left;
    for (const character of String(Number(value.toPrecision(3)))) {
      GLYPHS[character]?.forEach((row, y) => {
        for (let column = 0; column < 3; column++)
          if (row & (4 >> column))
            this.rectangle(x + GLYPH_SIZE * column, top + GLYPH_SIZE * y, GLYPH_SIZE, GLYPH_SIZE, [40, 40, 40]);
      });
      x += 4 * GLYPH_SIZE;
    }
  }
}
