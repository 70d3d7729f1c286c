/** Builds archives and pickles piece by piece, also wrong ones. */
import { deflateRawSync } from "node:zlib";
import { native } from "../../../lib/torch/addon";
import { Op } from "../../../lib/torch/serialization/pickle/opcodes";
import { ZipLayout } from "../../../lib/torch/serialization/zip/writer";

/** A zip archive as `save` lays it out, in memory. */
export function archive(records: Readonly<Record<string, Uint8Array>>, root = "archive"): Buffer {
  const layout = new ZipLayout();
  const parts: Uint8Array[] = [];
  for (const [name, bytes] of Object.entries(records)) {
    parts.push(layout.begin(`${root}/${name}`, bytes.byteLength), bytes);
    parts.push(layout.end(native.archiveCrc32(bytes)));
  }
  return Buffer.concat([...parts, layout.finish()]);
}

/** Content of a record, and the length that the directory claims for it. */
type Packed = Uint8Array | { readonly content: Uint8Array; readonly claimed: number };

/** A zip archive with deflated entries, as `zip` or Python's zipfile write it. `deflate` may remember what it has deflated. */
export function deflated(
  records: Readonly<Record<string, Packed>>,
  root = "archive",
  deflate: (content: Uint8Array) => Buffer = deflateRawSync,
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const [name, record] of Object.entries(records)) {
    const { content, claimed } = "claimed" in record ? record : { content: record, claimed: record.byteLength };
    const data = deflate(content);
    const path = Buffer.from(`${root}/${name}`);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(native.archiveCrc32(content), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(claimed, 18);
    fields.writeUInt16LE(path.length, 22);
    parts.push(Buffer.from("PK\x03\x04"), fields, path, data);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(position, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\0", "latin1"), fields, tail, path);
    position += 30 + path.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(parts.length / 4, 8);
  end.writeUInt16LE(parts.length / 4, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...parts, listed, end]);
}

type Part = number | Uint8Array;

/** An archive whose pickle consists of the given opcodes and bytes. */
export function pickled(parts: readonly Part[], records: Readonly<Record<string, Uint8Array>> = {}): Buffer {
  return archive({ "data.pkl": program(parts), ...records });
}

/** PROTO 2, the parts, STOP. */
export function program(parts: readonly Part[]): Buffer {
  return Buffer.concat([
    Buffer.from([Op.PROTO, 2]),
    ...parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : part)),
    Buffer.from([Op.STOP]),
  ]);
}

export function text(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([Op.BINUNICODE]), uint32(bytes.length), bytes]);
}

export function global(module: string, name: string): Uint8Array {
  return Buffer.concat([Buffer.from([Op.GLOBAL]), Buffer.from(`${module}\n${name}\n`)]);
}

export function int(value: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes[0] = Op.BININT;
  bytes.writeInt32LE(value, 1);
  return bytes;
}

/** An int of 8 bytes. */
export function long(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(10);
  bytes.set([Op.LONG1, 8]);
  bytes.writeBigInt64LE(value, 2);
  return bytes;
}

export function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export interface TensorFields {
  storage?: string;
  key?: string;
  elements?: bigint;
  offset?: bigint;
  shape?: bigint[];
  strides?: bigint[];
}

/** The opcodes of a tensor; by default 4 floats in the record `data/0`. */
export function tensorProgram({
  storage = "FloatStorage",
  key = "0",
  elements = 4n,
  offset = 0n,
  shape = [4n],
  strides = [1n],
}: TensorFields): Part[] {
  return [
    global("torch._utils", "_rebuild_tensor_v2"),
    Op.MARK,
    ...[
      Op.MARK,
      text("storage"),
      global("torch", storage),
      text(key),
      text("cpu"),
      long(elements),
      Op.TUPLE,
      Op.BINPERSID,
    ],
    long(offset),
    ...[Op.MARK, ...shape.map(long), Op.TUPLE],
    ...[Op.MARK, ...strides.map(long), Op.TUPLE],
    Op.NEWFALSE,
    ...[global("collections", "OrderedDict"), Op.EMPTY_TUPLE, Op.REDUCE],
    Op.TUPLE,
    Op.REDUCE,
  ];
}
