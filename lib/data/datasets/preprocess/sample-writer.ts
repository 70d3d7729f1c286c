import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ValueError } from "../../../config/python-errors";
import { temporaryPath } from "../../../io/files/temporary";
import { fromTypedArray, save, scope } from "../../../torch";
import { randomOrder } from "../../random/permutation";
import { rowsOf, type NdArray } from "../../readers/arrays";
import type { FieldMap } from "../../readers/mesh";

/** How far a preprocessing is. */
export interface PreprocessProgress {
  readonly done: number;
  readonly total: number;
  /** The sample that was last done. */
  readonly name: string;
}

/** Values of a file: (N) or (N, 3). */
export interface FieldValues {
  readonly values: ArrayLike<number>;
  readonly channels: 1 | 3;
}

/**
 * Writes the files of a sample, one float32 tensor each: (N) for a number at each point, (N, 3) for a vector. The folder appears when
 * it is complete; one that is there is replaced.
 */
export function writeSampleFolder(folder: string, files: Readonly<Record<string, FieldValues>>): void {
  mkdirSync(dirname(folder), { recursive: true });
  const temporary = temporaryPath(folder);
  try {
    mkdirSync(temporary);
    for (const [name, { values, channels }] of Object.entries(files)) {
      const data = Float32Array.from(values);
      const shape = channels === 1 ? [data.length] : [data.length / channels, channels];
      scope(() => save(fromTypedArray(data, shape), join(temporary, name)));
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Rows of a field, in the order of `rows`. */
export function takeRows({ values, channels }: FieldValues, rows: ArrayLike<number>): FieldValues {
  const taken = new Float32Array(rows.length * channels);
  for (let i = 0; i < rows.length; i++)
    for (let c = 0; c < channels; c++) taken[channels * i + c] = values[channels * rows[i]! + c]!;
  return { values: taken, channels };
}

/** A random part of `count` rows, one of `factor`: PyTorch's permutation of the seed. */
export function subsampledRows(count: number, factor: number, seed: number | bigint): number[] {
  return randomOrder(count, seed).slice(0, Math.floor(count / factor));
}

/**
 * A field of a file.
 *
 * @throws ValueError where it is not there, or has other channels
 */
export function fieldOf(fields: FieldMap, name: string, channels: 1 | 3, path: string): FieldValues {
  const array = fields.get(name);
  if (array === undefined)
    throw new ValueError(
      `expected the field "${name}" in ${path}, which has ${[...fields.keys()].join(", ") || "none"}`,
    );
  if (rowsOf(array).components !== channels)
    throw new ValueError(
      `expected ${channels} numbers for each row of "${name}" in ${path}, received (${array.shape.join(", ")})`,
    );
  return { values: numbersOf(array), channels };
}

export function numbersOf({ values }: NdArray): ArrayLike<number> {
  return values instanceof BigInt64Array || values instanceof BigUint64Array ? Array.from(values, Number) : values;
}

/** @throws ValueError for a factor that is no whole number from 1 */
export function checkFactor(factor: number): void {
  if (!Number.isInteger(factor) || factor < 1)
    throw new ValueError(`expected a whole number from 1 as subsample factor, received ${factor}`);
}
