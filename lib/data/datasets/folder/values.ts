/** From arrays of a file to the rows of a property: channels side by side, in SI units. */
import { ValueError } from "../../../config/python-errors";
import { rowsOf, type NdArray } from "../../readers/arrays";
import type { PropertyConfig } from "./config";
import { toSI } from "./units";

/** The values of one property at all points, before any are chosen. */
export interface Values {
  readonly rows: number;
  readonly channels: number;
  /** Value of channel `c` in row `i`, converted. */
  readonly at: (row: number, channel: number) => number;
}

const AXES: Readonly<Record<string, number>> = { x: 0, y: 1, z: 2 };

/**
 * Arrays of equally many rows as one, with the channels, unit and scale that the config says.
 *
 * @throws ValueError for other shapes than (N) and (N, C), unequal rows, and channels that there are not
 */
export function valuesOf(
  arrays: readonly (readonly [name: string, array: NdArray])[],
  { components, unit, scale }: Pick<PropertyConfig, "components" | "unit" | "scale">,
): Values {
  const columns: { array: NdArray["values"]; stride: number; offset: number }[] = [];
  const [first] = arrays;
  const rows = first ? rowsOf(first[1]).rows : 0;
  for (const [name, array] of arrays) {
    if (array.shape.length > 2 || array.shape.length === 0)
      throw new ValueError(`"${name}" has the shape (${array.shape.join(", ")}): expected (N) or (N, C)`);
    const size = rowsOf(array);
    if (size.rows !== rows)
      throw new ValueError(`"${name}" has ${size.rows} rows and "${first![0]}" ${rows}: expected equally many`);
    for (let offset = 0; offset < size.components; offset++)
      columns.push({ array: array.values, stride: size.components, offset });
  }
  const numbers = (components ?? columns.map((_, i) => i)).map((each) => AXES[each] ?? Number(each));
  const outside = numbers.find((number) => number >= columns.length);
  if (outside !== undefined)
    throw new ValueError(
      `has ${columns.length} component${columns.length === 1 ? "" : "s"}: there is no ${components!.find((each) => (AXES[each] ?? Number(each)) === outside)}`,
    );
  const chosen = numbers.map((number) => columns[number]!);
  const { factor, offset: shift } = unit === null ? { factor: 1, offset: 0 } : toSI(unit);
  return {
    rows,
    channels: chosen.length,
    at: (row, channel) => {
      const { array, stride, offset } = chosen[channel]!;
      return (Number(array[row * stride + offset]) * factor + shift) * scale;
    },
  };
}

/** Rows with a NaN or infinite value. */
export function nonFiniteRows({ rows, channels, at }: Values): number[] {
  const found: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let channel = 0; channel < channels; channel++) {
      if (Number.isFinite(at(row, channel))) continue;
      found.push(row);
      break;
    }
  }
  return found;
}

/** The chosen rows (all: null) as float32, row by row. */
export function takeRows({ rows, channels, at }: Values, chosen: readonly number[] | null): Float32Array {
  const count = chosen === null ? rows : chosen.length;
  const result = new Float32Array(count * channels);
  for (let i = 0; i < count; i++) {
    const row = chosen === null ? i : chosen[i]!;
    for (let channel = 0; channel < channels; channel++) result[i * channels + channel] = at(row, channel);
  }
  return result;
}
