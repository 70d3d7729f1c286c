/** From arrays of a file to the rows of a property: channels side by side, in SI units. */
import { ValueError } from "../../../config/python-errors";
import { rowsOf, type NdArray } from "../../readers/arrays";
import type { PropertyConfig } from "./config";
import { toSI } from "./units";

/** Numbers of a file; 64-bit integers have become doubles. */
type Numbers = Exclude<NdArray["values"], BigInt64Array | BigUint64Array>;

/** One channel: row i is `array[stride · i + offset]`. */
interface Column {
  readonly array: Numbers;
  readonly stride: number;
  readonly offset: number;
}

/** The values of one property at all points, before any are chosen: `factor · x + shift` of what the columns hold. */
export interface Values {
  readonly rows: number;
  readonly channels: number;
  readonly columns: readonly Column[];
  readonly factor: number;
  readonly shift: number;
}

const AXES: Readonly<Record<string, number>> = { x: 0, y: 1, z: 2 };

/**
 * Arrays of equally many rows as one, with the channels, unit and scale that the config says. Nothing is copied.
 *
 * @throws ValueError for other shapes than (N) and (N, C), unequal rows, and channels that there are not
 */
export function valuesOf(
  arrays: readonly (readonly [name: string, array: NdArray])[],
  { components, unit, scale }: Pick<PropertyConfig, "components" | "unit" | "scale">,
): Values {
  const columns: Column[] = [];
  const [first] = arrays;
  const rows = first ? rowsOf(first[1]).rows : 0;
  for (const [name, array] of arrays) {
    if (array.shape.length > 2 || array.shape.length === 0)
      throw new ValueError(`"${name}" has the shape (${array.shape.join(", ")}): expected (N) or (N, C)`);
    const size = rowsOf(array);
    if (size.rows !== rows)
      throw new ValueError(`"${name}" has ${size.rows} rows and "${first![0]}" ${rows}: expected equally many`);
    const numbers = toNumbers(array.values);
    for (let offset = 0; offset < size.components; offset++)
      columns.push({ array: numbers, stride: size.components, offset });
  }
  const chosen = (components ?? columns.map((_, i) => i)).map((component) => {
    const column = columns[AXES[component] ?? Number(component)];
    if (column) return column;
    throw new ValueError(`has ${columns.length} component${columns.length === 1 ? "" : "s"}: there is no ${component}`);
  });
  const { factor, offset } = unit === null ? { factor: 1, offset: 0 } : toSI(unit);
  return { rows, channels: chosen.length, columns: chosen, factor: factor * scale, shift: offset * scale };
}

function toNumbers(values: NdArray["values"]): Numbers {
  return values instanceof BigInt64Array || values instanceof BigUint64Array
    ? Float64Array.from(values as BigInt64Array, Number)
    : values;
}

/** Values of several files, one after the other. @throws ValueError where their channels differ */
export function joinValues(parts: readonly Values[]): Values {
  const [first, ...others] = parts;
  if (first === undefined || others.length === 0) return first!;
  const odd = others.find(({ channels }) => channels !== first.channels);
  if (odd) throw new ValueError(`has ${first.channels} channels in one file and ${odd.channels} in another`);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const joined = new Float64Array(rows * first.channels);
  let at = 0;
  for (const part of parts) {
    const numbers = new Float64Array(part.rows * part.channels);
    fill(numbers, part, null);
    joined.set(numbers, at);
    at += numbers.length;
  }
  return valuesOf([["values", { values: joined, shape: [rows, first.channels] }]], {
    components: null,
    unit: null,
    scale: 1,
  });
}

/** Rows with a NaN or infinite value, in order. */
export function nonFiniteRows({ rows, columns, factor }: Values): number[] {
  const found = new Set<number>();
  for (const { array, stride, offset } of columns) {
    if (!(array instanceof Float32Array || array instanceof Float64Array)) continue;
    for (let row = 0, at = offset; row < rows; row++, at += stride) {
      const x = array[at]! * factor;
      // NaN and infinite numbers are those for which this is not 0
      if (x - x !== 0) found.add(row);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** The chosen rows (all: null), row by row, in single precision or in double. */
export function takeRows(
  values: Values,
  chosen: readonly number[] | null,
  isDouble = false,
): Float32Array | Float64Array {
  const { rows, channels } = values;
  const length = (chosen?.length ?? rows) * channels;
  const result = isDouble ? new Float64Array(length) : new Float32Array(length);
  fill(result, values, chosen);
  return result;
}

/** All rows in double precision. */
export function allRows(values: Values): Float64Array {
  return takeRows(values, null, true) as Float64Array;
}

function fill(
  target: Float32Array | Float64Array,
  { rows, channels, columns, factor, shift }: Values,
  chosen: readonly number[] | null,
): void {
  columns.forEach(({ array, stride, offset }, channel) => {
    const count = chosen?.length ?? rows;
    for (let i = 0, at = channel; i < count; i++, at += channels) {
      const row = chosen === null ? i : chosen[i]!;
      target[at] = array[stride * row + offset]! * factor + shift;
    }
  });
}
