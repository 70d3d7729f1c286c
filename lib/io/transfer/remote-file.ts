import type { Readable } from "node:stream";
import type { Checksum } from "./checksum";

/** Bytes from a server, from a position on. */
export interface RemoteBody {
  readonly stream: Readable;
  /** Where the first byte belongs: less than asked for, if the server does not know ranges. */
  readonly start: number;
  /** Size of the whole file; null: the server does not say. */
  readonly size: number | null;
}

/** A file that can be fetched. */
export interface RemoteFile {
  /** For messages: a URI without secrets. */
  readonly name: string;
  /** Bytes; null: not known before it is fetched. */
  readonly size: number | null;
  /** Tells one content from another, such as an ETag; null: nothing does, so that no part of it can be resumed. */
  readonly version: string | null;
  /** What the content is compared with; null: only its length is. */
  readonly checksum: Checksum | null;
  /** Asks for the checksum, where a listing does not tell the best that there is. Called once, before anything is fetched. */
  prepare?(signal: AbortSignal): Promise<void>;
  /** Whether it can be fetched in parts at the same time. */
  readonly hasRanges: boolean;
  /**
   * Asks for bytes from `start` to before `end` (default: the end of the file).
   *
   * @throws RemoteError for an answer without content
   */
  open(start: number, end: number | null, signal: AbortSignal): Promise<RemoteBody>;
}
