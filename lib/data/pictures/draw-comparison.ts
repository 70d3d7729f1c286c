import { colourScale } from "./colours";
import { drawField, type DrawnField } from "./draw-field";

/** A field that was predicted, beside what is true. */
export interface ComparedField extends Omit<DrawnField, "values"> {
  readonly predicted: Float32Array | Float64Array;
  readonly truth: Float32Array | Float64Array;
}

/** What the pictures of a {@link ComparedField} show, in the order in which they stand beside each other. */
export const COMPARED = ["predicted", "true", "difference"] as const;
/** One of {@link COMPARED}. */
export type Compared = (typeof COMPARED)[number];

/**
 * Pictures of a prediction, of the truth, and of prediction − truth, as PNG files. The first two have the colours of the truth, the
 * difference has its own.
 */
export function drawComparison(
  { predicted, truth, ...field }: ComparedField,
  size: { readonly width?: number; readonly height?: number } = {},
): Record<Compared, Buffer> {
  const scale = colourScale(truth);
  const difference = Float32Array.from(predicted, (value, i) => value - truth[i]!);
  const draw = (what: Compared, values: DrawnField["values"], own: object): Buffer =>
    drawField({ ...field, name: `${field.name}, ${what}`, values }, { ...size, ...own });
  return {
    predicted: draw("predicted", predicted, { scale }),
    true: draw("true", truth, { scale }),
    difference: draw("difference", difference, {}),
  };
}

/** Lengths of vectors that lie one after the other, `components` numbers each; scalars as they are. */
export function magnitudes(values: ArrayLike<number>, components: number): Float32Array {
  if (components === 1) return Float32Array.from(values);
  return Float32Array.from({ length: values.length / components }, (_, row) => {
    let sum = 0;
    for (let i = row * components; i < (row + 1) * components; i++) sum += values[i]! ** 2;
    return Math.sqrt(sum);
  });
}
