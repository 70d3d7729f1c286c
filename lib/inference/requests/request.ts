/** The body of an HTTP request, as it came. */
export interface RequestTask {
  readonly type: "request";
  readonly body: Uint8Array;
  /** Media type, without parameters. */
  readonly contentType: string;
  /** Of the query: `format`, `chunk_size`, …. */
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  /** Media type of the answer. */
  readonly accept: string;
  readonly maxPoints: number;
}

/** The answer to a {@link RequestTask}. */
export interface RequestResult {
  readonly body: Uint8Array;
  readonly contentType: string;
}
