import { NoetherError } from "../../config/errors";

/** Where in a file something is wrong. */
export interface FilePlace {
  /** Byte from the beginning of the file. */
  readonly offset?: number;
  /** 1-based line, for files of text. */
  readonly line?: number;
  readonly cause?: unknown;
}

/** A file that does not hold what its format promises: damaged, cut short, or of a kind that is not read. */
export class FileFormatError extends NoetherError {
  /** Path as it was given, or the name of the bytes. */
  readonly file: string;
  readonly offset: number | undefined;
  readonly line: number | undefined;

  /** @param problem what was expected and what came, as one sentence without the file's name. */
  constructor(file: string, problem: string, { offset, line, cause }: FilePlace = {}) {
    const where = line === undefined ? file : `${file}:${line}`;
    super(
      "FILE_FORMAT",
      `${where}: ${problem}${line === undefined && offset !== undefined ? ` (byte ${offset})` : ""}`,
      {
        cause,
      },
    );
    this.file = file;
    this.offset = offset;
    this.line = line;
  }
}
