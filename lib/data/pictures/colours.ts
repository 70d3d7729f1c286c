/** Red, green, blue from 0 to 255. */
export type Colour = readonly [number, number, number];

/** From low to high, equally far apart; in between they are mixed. Dark to bright, so that they also read in grey. */
const SEQUENTIAL: readonly Colour[] = [
  [38, 25, 92],
  [49, 84, 149],
  [41, 143, 146],
  [106, 190, 106],
  [240, 224, 92],
];

/** Blue below zero, red above. */
const DIVERGING: readonly Colour[] = [
  [33, 72, 160],
  [129, 170, 222],
  [242, 242, 242],
  [226, 146, 110],
  [166, 30, 42],
];

/** A range of values and the colours that it has. */
export interface ColourScale {
  readonly low: number;
  readonly high: number;
  readonly colours: readonly Colour[];
}

/**
 * Colours for values: from blue to red about zero where they have both signs, else from dark to bright. The range leaves out the
 * outermost 1 % on both sides, whose colours are those of its ends.
 */
export function colourScale(values: ArrayLike<number>): ColourScale {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  const at = (share: number): number => finite[Math.round(share * (finite.length - 1))] ?? 0;
  const [low, high] = [at(0.01), at(0.99)];
  if (low < 0 && high > 0) {
    const bound = Math.max(-low, high);
    return { low: -bound, high: bound, colours: DIVERGING };
  }
  return low === high ? { low, high: low + 1, colours: SEQUENTIAL } : { low, high, colours: SEQUENTIAL };
}

/** The colour of a value; grey for NaN. */
export function colourOf(value: number, { low, high, colours }: ColourScale): Colour {
  if (Number.isNaN(value)) return [160, 160, 160];
  const place = Math.max(0, Math.min(1, (value - low) / (high - low))) * (colours.length - 1);
  const index = Math.min(colours.length - 2, Math.floor(place));
  const [a, b] = [colours[index]!, colours[index + 1]!];
  const mix = (c: 0 | 1 | 2): number => Math.round(a[c] + (place - index) * (b[c] - a[c]));
  return [mix(0), mix(1), mix(2)];
}

/** Steps of a {@link Palette}. */
const STEPS = 256;

/** The colours of a scale in steps, for many pixels. */
export class Palette {
  /** Red, green, blue of each step; the last is that of NaN. */
  readonly colours = new Uint8Array(3 * (STEPS + 1));
  readonly #low: number;
  readonly #perUnit: number;

  constructor(scale: ColourScale) {
    this.#low = scale.low;
    this.#perUnit = (STEPS - 1) / (scale.high - scale.low);
    for (let step = 0; step < STEPS; step++)
      this.colours.set(colourOf(scale.low + step / this.#perUnit, scale), 3 * step);
    this.colours.set(colourOf(NaN, scale), 3 * STEPS);
  }

  /** The step of a value. */
  indexOf(value: number): number {
    const step = (value - this.#low) * this.#perUnit + 0.5;
    return step >= 0 ? (step < STEPS ? Math.floor(step) : STEPS - 1) : step < 0 ? 0 : STEPS;
  }
}
