/** Words, texts and brackets of OpenFOAM's files. */
import type { ByteSource } from "../byte-source";
import { Scanner, show } from "../scanner";
import { isSpace } from "../text";

const MAX_WORD = 4096;

/** Characters that mean something. */
export const [QUOTE, HASH, DOLLAR, OPEN, CLOSE, STAR, SLASH, SEMICOLON] = [34, 35, 36, 40, 41, 42, 47, 59];
export const [OPEN_SQUARE, CLOSE_SQUARE, OPEN_BRACE, CLOSE_BRACE] = [91, 93, 123, 125];
const [BACKSLASH, NEWLINE] = [92, 10];

/** Reads them one after the other. */
export class FoamTokens {
  readonly scanner: Scanner;

  constructor(source: ByteSource) {
    this.scanner = new Scanner(source);
  }

  /** Takes a byte. */
  expect(byte: number): void {
    const at = this.scanner.position;
    const got = this.scanner.take();
    if (got !== byte)
      throw this.scanner.error(
        `expected ${String.fromCharCode(byte)}, got ${got < 0 ? "the end of the file" : show(String.fromCharCode(got))}`,
        at,
      );
  }

  /** White space and comments. */
  skip(): void {
    const { scanner } = this;
    for (;;) {
      scanner.skipSpace();
      if (scanner.peek() !== SLASH) return;
      const next = scanner.peek(1);
      if (next === SLASH) scanner.skipTo(NEWLINE);
      else if (next === STAR) {
        const at = scanner.position;
        scanner.skip(2);
        do {
          if (!scanner.skipTo(STAR))
            throw scanner.error("expected */ at the end of a comment, got the end of the file", at);
          scanner.take();
        } while (scanner.peek() !== SLASH);
        scanner.take();
      } else return;
    }
  }

  /** A word ends at white space, quotes and brackets; parentheses in pairs belong to it: `div(phi,U)`. */
  word(): string {
    const { scanner } = this;
    const bytes: number[] = [];
    let depth = 0;
    for (;;) {
      const byte = scanner.peek();
      if (
        byte < 0 ||
        isSpace(byte) ||
        byte === QUOTE ||
        byte === SEMICOLON ||
        byte === OPEN_BRACE ||
        byte === CLOSE_BRACE
      )
        break;
      if (byte === OPEN && (bytes.length === 0 || isCount(bytes))) break;
      if (byte === OPEN) depth++;
      if (byte === CLOSE && depth-- === 0) break;
      if ((byte === OPEN_SQUARE || byte === CLOSE_SQUARE) && depth === 0) break;
      if (bytes.push(scanner.take()) > MAX_WORD)
        throw scanner.error(`expected a word, got more than ${MAX_WORD} bytes`);
    }
    return Buffer.from(bytes).toString();
  }

  /** A text in quotation marks. */
  text(): string {
    const { scanner } = this;
    const at = scanner.position;
    this.expect(QUOTE);
    const bytes: number[] = [];
    for (let byte = scanner.take(); byte !== QUOTE; byte = scanner.take()) {
      if (byte < 0 || bytes.length > MAX_WORD) throw scanner.error('expected " at the end of a text, got none', at);
      if (byte === BACKSLASH && scanner.peek() === QUOTE) bytes.push(scanner.take());
      else bytes.push(byte);
    }
    return Buffer.from(bytes).toString();
  }
}

/** Digits alone: what stands before a list. */
function isCount(bytes: readonly number[]): boolean {
  return bytes.every((byte) => byte >= 48 && byte <= 57);
}
