/** Reads the members of a tar archive (POSIX.1-1988 ustar, with the records of POSIX.1-2001 pax): names and where they lie. */
import { damaged } from "../errors";
import type { Source } from "../source";

/** A file in the archive. */
export interface TarMember {
  readonly name: string;
  readonly offset: number;
  readonly byteLength: number;
}

const BLOCK = 512;
const MAX_MEMBERS = 10_000;
const MAX_PAX = 2 ** 20;
/** `"0"`, NUL and `"7"` are regular files; `"x"` describes the next member. */
const FILES = new Set(["0", "\0", "7"]);

/** True if the first block is a header with the right checksum. */
export function looksLikeTar(start: Uint8Array): boolean {
  return start.length >= BLOCK && start[0] !== 0 && hasChecksum(start.subarray(0, BLOCK));
}

/** @throws CheckpointError when the archive is cut. */
export function readTarMembers(source: Source): TarMember[] {
  const members: TarMember[] = [];
  let pax: ReadonlyMap<string, string> = new Map();
  for (let position = 0; position + BLOCK <= source.size;) {
    const header = source.read(position, BLOCK);
    if (header.every((byte) => byte === 0)) return members;
    if (!hasChecksum(header)) throw damaged("a tar archive with a broken header");
    const type = String.fromCharCode(header[156]!);
    const byteLength = type === "x" ? number(header, 124, 12) : Number(pax.get("size") ?? number(header, 124, 12));
    const offset = position + BLOCK;
    if (!Number.isSafeInteger(byteLength) || byteLength < 0 || offset + byteLength > source.size)
      throw damaged("a tar archive that ends within a file");
    if (members.length === MAX_MEMBERS) throw damaged(`a tar archive of more than ${MAX_MEMBERS} files`);
    if (FILES.has(type)) members.push({ name: pax.get("path") ?? nameOf(header), offset, byteLength });
    pax = type === "x" && byteLength <= MAX_PAX ? paxRecords(source.read(offset, byteLength)) : new Map();
    position = offset + Math.ceil(byteLength / BLOCK) * BLOCK;
  }
  return members;
}

/** The sum of the bytes, the checksum's own as blanks. */
function hasChecksum(header: Uint8Array): boolean {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  return number(header, 148, 8) === sum;
}

function nameOf(header: Uint8Array): string {
  const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
  const name = text(header, 0, 100);
  return (prefix === "" ? name : `${prefix}/${name}`).replace(/^\.\//, "");
}

/** Octal digits, or with the first bit set a big-endian number. */
function number(header: Uint8Array, at: number, length: number): number {
  if (header[at]! >= 0x80) return header.subarray(at + 1, at + length).reduce((value, byte) => value * 256 + byte, 0);
  const digits = text(header, at, length).trim();
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : digits === "" ? 0 : NaN;
}

function text(header: Uint8Array, at: number, length: number): string {
  const field = Buffer.from(header.subarray(at, at + length)).toString("latin1");
  const end = field.indexOf("\0");
  return end < 0 ? field : field.slice(0, end);
}

/** Lines of `length key=value`. */
function paxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.length;) {
    const [, length = "", key = "", value = ""] =
      /^(\d{1,7}) ([^=]*)=(.*)$/s.exec(buffer.toString("utf8", at, at + 4096)) ?? [];
    if (length === "" || Number(length) === 0) break;
    records.set(key, value.slice(0, Math.max(0, Number(length) - length.length - key.length - 3)));
    at += Number(length);
  }
  return records;
}
