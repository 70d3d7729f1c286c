/** What a terminal can show, and the one line at its bottom that is rewritten in place. */

type Terminal = Pick<NodeJS.WriteStream, "write"> &
  Partial<Pick<NodeJS.WriteStream, "isTTY" | "columns" | "hasColors">>;

/** Width that is assumed where the stream does not tell. */
const DEFAULT_COLUMNS = 80;

const CLEAR_LINE = "\r\u001b[K";

/** True if the stream is a terminal that shows colours and they are not forbidden (`NO_COLOR`, `TERM=dumb`). */
export function showsColours(stream: Terminal): boolean {
  if (process.env["NO_COLOR"]) return false; // set and not empty: https://no-color.org
  return stream.isTTY === true && (stream.hasColors?.() ?? false);
}

/**
 * A line that stays at the bottom of the terminal. Messages are printed above it: whoever prints calls
 * {@link StatusLine.above}. It never gets wider than the terminal, since a wrapped line could not be rewritten.
 */
export class StatusLine {
  #text = "";

  constructor(private readonly stream: Terminal) {}

  /** Columns that a text may take. */
  get width(): number {
    const columns = this.stream.columns ?? 0;
    return (columns > 0 ? columns : DEFAULT_COLUMNS) - 1; // a full last column makes some terminals wrap
  }

  /** Replaces the line. */
  show(text: string): void {
    this.#text = text.slice(0, Math.max(0, this.width));
    this.stream.write(`${CLEAR_LINE}${this.#text}`);
  }

  /** Removes the line. */
  hide(): void {
    if (this.#text === "") return;
    this.#text = "";
    this.stream.write(CLEAR_LINE);
  }

  /** Prints whole lines above the status line. */
  above(lines: string): void {
    this.stream.write(this.#text === "" ? lines : `${CLEAR_LINE}${lines}${this.#text}`);
  }
}

/** The line below the messages of this process, on the standard error stream. */
export const statusLine = new StatusLine(process.stderr);

/** The parts of a line that fit into `width` columns: the least important ones are left out, the order is kept. */
export function fitParts(
  parts: readonly { text: string; importance: number }[],
  width: number,
  separator = "  ",
): string {
  const kept = [...parts];
  const join = (): string => kept.map(({ text }) => text).join(separator);
  while (kept.length > 1 && join().length > width) {
    const least = kept.reduce((a, b) => (b.importance < a.importance ? b : a));
    kept.splice(kept.indexOf(least), 1);
  }
  return join().slice(0, Math.max(0, width));
}
