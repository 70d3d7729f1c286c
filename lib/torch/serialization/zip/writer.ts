/**
 * Builds the zip archive that `torch.save` writes: stored entries whose data begin at multiples of 64 bytes, checksums in
 * data descriptors (they are known only after the data went by), zip64 where sizes need it.
 */
import { createHash } from "node:crypto";

/** Data of every entry begins at a multiple of this, so that mapped tensors are aligned. */
export const ALIGNMENT = 64;

const UINT32_MAX = 0xffffffff;
const FLAGS = 0x0808; // checksum follows the data; names are UTF-8
const VERSION_ZIP64 = 45;
const LOCAL_LENGTH = 30;
const ZIP64_LOCAL_EXTRA = 20;
const EXTRA_HEADER = 4;

interface WrittenEntry {
  readonly name: string;
  readonly header: number;
  readonly byteLength: number;
  readonly crc32: number;
}

/**
 * Keeps track of what has been written. For each entry the caller writes `begin(…)`, then the data, then `end(crc32)`;
 * after the last one `finish()`.
 */
export class ZipLayout {
  private position = 0;
  private readonly entries: WrittenEntry[] = [];
  private open: Omit<WrittenEntry, "crc32"> | null = null;

  /** The local header of an entry, with padding. */
  begin(name: string, byteLength: number): Uint8Array {
    const nameBytes = Buffer.from(name, "utf8");
    const zip64 = byteLength >= UINT32_MAX;
    const fixed = LOCAL_LENGTH + nameBytes.length + (zip64 ? ZIP64_LOCAL_EXTRA : 0) + EXTRA_HEADER;
    const padding = ALIGNMENT - ((this.position + fixed) % ALIGNMENT);
    const header = Buffer.alloc(fixed + padding, "Z");
    header.fill(0, 0, LOCAL_LENGTH);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(zip64 ? VERSION_ZIP64 : 0, 4);
    header.writeUInt16LE(FLAGS, 6);
    if (zip64) header.writeUInt32LE(UINT32_MAX, 18);
    if (zip64) header.writeUInt32LE(UINT32_MAX, 22);
    header.writeUInt16LE(nameBytes.length, 26);
    header.writeUInt16LE(fixed + padding - LOCAL_LENGTH - nameBytes.length, 28);
    nameBytes.copy(header, LOCAL_LENGTH);
    let at = LOCAL_LENGTH + nameBytes.length;
    if (zip64) {
      at = header.writeUInt16LE(1, at);
      at = header.writeUInt16LE(16, at);
      at = header.writeBigUInt64LE(BigInt(byteLength), at);
      at = header.writeBigUInt64LE(BigInt(byteLength), at);
    }
    at = header.writeUInt16LE(0x4246, at); // "FB", filled with Z
    header.writeUInt16LE(padding, at);
    this.open = { name, header: this.position, byteLength };
    this.position += header.length + byteLength;
    return header;
  }

  /** The data descriptor of the entry that was begun. */
  end(crc32: number): Uint8Array {
    if (this.open === null) throw new Error("internal: expected an open zip entry");
    const entry = { ...this.open, crc32 };
    this.open = null;
    this.entries.push(entry);
    const zip64 = entry.byteLength >= UINT32_MAX;
    const descriptor = Buffer.alloc(zip64 ? 24 : 16);
    descriptor.writeUInt32LE(0x08074b50, 0);
    descriptor.writeUInt32LE(crc32, 4);
    if (zip64) {
      descriptor.writeBigUInt64LE(BigInt(entry.byteLength), 8);
      descriptor.writeBigUInt64LE(BigInt(entry.byteLength), 16);
    } else {
      descriptor.writeUInt32LE(entry.byteLength, 8);
      descriptor.writeUInt32LE(entry.byteLength, 12);
    }
    this.position += descriptor.length;
    return descriptor;
  }

  /** 40 digits that tell archives of different content apart. */
  contentId(): string {
    const hash = createHash("sha256");
    for (const { name, crc32, byteLength } of this.entries) hash.update(`${name}\0${crc32}\0${byteLength}\0`);
    return (BigInt(`0x${hash.digest("hex")}`) % 10n ** 40n).toString().padStart(40, "0");
  }

  /** The central directory and its end records. */
  finish(): Uint8Array {
    const directory = Buffer.concat(this.entries.map(centralHeader));
    const end64 = Buffer.alloc(56);
    end64.writeUInt32LE(0x06064b50, 0);
    end64.writeBigUInt64LE(44n, 4);
    end64.writeUInt16LE(0x031e, 12);
    end64.writeUInt16LE(VERSION_ZIP64, 14);
    end64.writeBigUInt64LE(BigInt(this.entries.length), 24);
    end64.writeBigUInt64LE(BigInt(this.entries.length), 32);
    end64.writeBigUInt64LE(BigInt(directory.length), 40);
    end64.writeBigUInt64LE(BigInt(this.position), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(this.position + directory.length), 8);
    locator.writeUInt32LE(1, 16);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(Math.min(this.entries.length, 0xffff), 8);
    end.writeUInt16LE(Math.min(this.entries.length, 0xffff), 10);
    end.writeUInt32LE(Math.min(directory.length, UINT32_MAX), 12);
    end.writeUInt32LE(Math.min(this.position, UINT32_MAX), 16);
    return Buffer.concat([directory, end64, locator, end]);
  }
}

function centralHeader({ name, header, byteLength, crc32 }: WrittenEntry): Uint8Array {
  const nameBytes = Buffer.from(name, "utf8");
  const large = [byteLength, byteLength, header].map((value) => value >= UINT32_MAX);
  const extra64 = [byteLength, byteLength, header].filter((_, i) => large[i]);
  const extraLength = extra64.length === 0 ? 0 : EXTRA_HEADER + 8 * extra64.length;
  const entry = Buffer.alloc(46 + nameBytes.length + extraLength);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(extra64.length > 0 ? VERSION_ZIP64 : 0, 6);
  entry.writeUInt16LE(FLAGS, 8);
  entry.writeUInt32LE(crc32, 16);
  entry.writeUInt32LE(Math.min(byteLength, UINT32_MAX), 20);
  entry.writeUInt32LE(Math.min(byteLength, UINT32_MAX), 24);
  entry.writeUInt16LE(nameBytes.length, 28);
  entry.writeUInt16LE(extraLength, 30);
  entry.writeUInt32LE(Math.min(header, UINT32_MAX), 42);
  let at = nameBytes.copy(entry, 46) + 46;
  if (extra64.length > 0) {
    at = entry.writeUInt16LE(1, at);
    at = entry.writeUInt16LE(8 * extra64.length, at);
    for (const value of extra64) at = entry.writeBigUInt64LE(BigInt(value), at);
  }
  return entry;
}
