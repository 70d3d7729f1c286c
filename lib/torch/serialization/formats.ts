/** Recognises files that are not our checkpoints by their first bytes, so that the error can name them. */

/** Bytes that {@link foreignFormat} wants to see. */
export const SNIFF_LENGTH = 512;

interface Signature {
  readonly at: number;
  readonly bytes: readonly number[] | string;
  readonly what: string;
}

const SIGNATURES: readonly Signature[] = [
  { at: 0, bytes: [0x80], what: "a plain pickle, not written by torch.save" },
  {
    at: 0,
    bytes: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a],
    what: "an HDF5 file (Keras weights, or a data set)",
  },
  { at: 0, bytes: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], what: "a numpy array (.npy)" },
  { at: 0, bytes: [0x1f, 0x8b], what: "a gzip file: unpack it first" },
  { at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], what: "a zstd file: unpack it first" },
  { at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "an xz file: unpack it first" },
  { at: 0, bytes: "BZh", what: "a bzip2 file: unpack it first" },
  { at: 0, bytes: "GGUF", what: "a GGUF file" },
  { at: 0, bytes: "version https://git-lfs", what: "a Git LFS pointer: fetch the file itself with git lfs pull" },
  { at: 0, bytes: "<!", what: "an HTML page: the download failed" },
  { at: 0, bytes: "<html", what: "an HTML page: the download failed" },
];

/**
 * What a file that is not a zip archive is, as far as its beginning shows.
 *
 * @param start the first {@link SNIFF_LENGTH} bytes, or all there are.
 */
export function foreignFormat(start: Uint8Array, size: number): string {
  if (size === 0) return "an empty file";
  if (looksLikeSafetensors(start, size)) return "a safetensors file: read it with loadSafetensors";
  const found = SIGNATURES.find(({ at, bytes }) =>
    matches(start, at, typeof bytes === "string" ? [...Buffer.from(bytes, "latin1")] : bytes),
  );
  return found?.what ?? "a file of an unknown format";
}

/** Length of a JSON header, then the JSON (blanks before it are read, too). */
export function looksLikeSafetensors(start: Uint8Array, size: number): boolean {
  if (start.length < 10 || !/^\s*\{/.test(Buffer.from(start.subarray(8)).toString("latin1"))) return false;
  const header = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  return header >= 2n && header <= BigInt(size - 8);
}

/** What a zip archive without `data.pkl` is, by its entries. */
export function foreignZip(names: readonly string[]): string {
  if (names.some((name) => name.endsWith(".npy"))) return "a numpy archive (.npz)";
  if (names.some((name) => name === "META-INF/MANIFEST.MF")) return "a Java archive";
  if (names.some((name) => name === "[Content_Types].xml")) return "an Office document";
  return `a zip archive without data.pkl`;
}

function matches(start: Uint8Array, at: number, bytes: readonly number[]): boolean {
  return start.length >= at + bytes.length && bytes.every((byte, i) => start[at + i] === byte);
}
