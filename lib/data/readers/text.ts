/** Classes of bytes in text. */

/** Space, tab and ends of lines. */
export function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/**
 * What a byte is, as bits: 1 white space, 2 what may follow a number, 4 a parenthesis. Hot loops take the table itself, since a
 * call across modules costs more than the look-up.
 */
export const BYTE_KINDS = new Uint8Array(256);
for (const byte of Buffer.from(" \t\n\v\f\r")) BYTE_KINDS[byte]! |= 1;
for (const byte of Buffer.from(" \t\n\v\f\r(){}[];,/<:")) BYTE_KINDS[byte]! |= 2;
for (const byte of Buffer.from("()")) BYTE_KINDS[byte]! |= 4;

/** Whether a number may end before this byte. */
export function endsNumber(byte: number): boolean {
  return (BYTE_KINDS[byte]! & 2) !== 0;
}
