/** Python's text in pickles: UTF-8 in which halves of surrogate pairs may stand alone (`surrogatepass`). */
import { isUtf8 } from "node:buffer";
import { damaged } from "../errors";

/** The text in `bytes` from `start` to `end`. */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  // the decoder replaces what is not UTF-8
  if (!text.includes("\ufffd") || isUtf8(bytes.subarray(start, end))) return text;
  return decodeWithSurrogates(bytes.subarray(start, end));
}

/** A surrogate in UTF-8 is 0xED, 0xA0…0xBF, a continuation byte; everything between two of them is UTF-8. */
function decodeWithSurrogates(bytes: Buffer): string {
  let text = "";
  let from = 0;
  const plain = (to: number): void => {
    const part = bytes.subarray(from, to);
    if (!isUtf8(part)) throw damaged("text that is not UTF-8");
    text += part.toString("utf8");
  };
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    const [second = 0, third = 0] = bytes.subarray(at + 1, at + 3);
    if (second < 0xa0 || second > 0xbf || (third & 0xc0) !== 0x80) continue;
    plain(at);
    text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
    from = at + 3;
  }
  plain(bytes.length);
  return text;
}

/** Bytes of a text; halves of pairs become three bytes each. */
export function encodeText(text: string): Buffer {
  if (isWellFormed(text)) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  // by code points: a whole pair is one of them, a lone half another
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const isHalf = code >= 0xd800 && code <= 0xdfff;
    parts.push(
      isHalf ? Buffer.from([0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]) : Buffer.from(character, "utf8"),
    );
  }
  return Buffer.concat(parts);
}

/** `String.prototype.isWellFormed` is in Node 20, but not yet in the library types of ES2023. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
