/** Classes of bytes in text. */

/** 10⁰ … 10²², which doubles hold exactly. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/** Space, tab and ends of lines. */
export function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

const AFTER_NUMBERS = new Uint8Array(256);
for (const byte of Buffer.from(" \t\n\v\f\r(){}[];,/<:")) AFTER_NUMBERS[byte] = 1;

/** Whether a number may end before this byte. */
export function endsNumber(byte: number): boolean {
  return AFTER_NUMBERS[byte] === 1;
}
