import { checkOptions, nullable, oneOf, type KindsOf } from "../../torch/arguments";

/** How a file is written. */
export interface WriteOptions {
  /** VTK XML files: how their arrays are compressed. Default null: not at all. */
  readonly compression?: "zlib" | null;
  /** Of formats that have both. Default `"binary"`. */
  readonly encoding?: "binary" | "ascii";
}

const KINDS = {
  compression: nullable(oneOf("zlib")),
  encoding: oneOf("binary", "ascii"),
} satisfies KindsOf<WriteOptions>;

/** Refuses unknown options and values of the wrong kind, and compression where the format has none. */
export function checkWriteOptions(where: string, options: WriteOptions, surplus: readonly unknown[] = []): void {
  checkOptions(where, options, KINDS, surplus);
}
