import { arrayOf, checkOptions, either, flag, oneOf, real, text, type KindsOf } from "../../torch/arguments";

/** Which part of a file is read. Whatever is left out takes neither time nor memory where the format allows. */
export interface ReadOptions {
  /** Names of the fields on points, cells and the whole that are read; one that no part of the file has is an error. Default: all. */
  readonly fields?: readonly string[];
  /** False reads points and their fields alone: a cloud. Fields on cells are left out with the cells. Default true. */
  readonly cells?: boolean;
  /** Of a transient case: a time of the file, the first or the last. Default `"last"`. */
  readonly time?: number | "first" | "last";
}

const KINDS = {
  fields: arrayOf(text),
  cells: flag,
  time: either(real, oneOf("first", "last")),
} satisfies KindsOf<ReadOptions>;

/** Refuses unknown options and values of the wrong kind. */
export function checkReadOptions(where: string, options: ReadOptions, surplus: readonly unknown[] = []): void {
  checkOptions(where, options, KINDS, surplus);
}

/** Whether a field of this name is to be read. */
export function wants({ fields }: ReadOptions, name: string): boolean {
  return fields === undefined || fields.includes(name);
}
