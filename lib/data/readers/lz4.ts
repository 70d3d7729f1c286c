/** LZ4 blocks (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), decompression only. */

/** A compressed block of n bytes holds at most 255 n. */
export const LZ4_MAX_RATIO = 255;

/**
 * Decompresses one block into a target that it has to fill.
 *
 * @returns false where the block is damaged or of another size.
 */
export function decompressLz4(block: Uint8Array, target: Uint8Array): boolean {
  let [from, to] = [0, 0];
  while (from < block.length) {
    const token = block[from++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more: number | undefined;
      do literals += more = block[from++] ?? 0;
      while (more === 255);
    }
    if (from + literals > block.length || to + literals > target.length) return false;
    target.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === block.length) return to === target.length;
    const distance = block[from]! | ((block[from + 1] ?? 0) << 8);
    from += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more: number | undefined;
      do length += more = block[from++] ?? 0;
      while (more === 255);
    }
    if (distance === 0 || distance > to || to + length > target.length) return false;
    // a match may overlap what it writes
    if (distance >= length) target.copyWithin(to, to - distance, to - distance + length);
    else for (let i = 0; i < length; i++) target[to + i] = target[to + i - distance]!;
    to += length;
  }
  return false;
}
