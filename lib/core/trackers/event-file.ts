import { appendFileSync, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** Number of this process's next event file: two that begin in one second keep their own. */
let nextFile = 0;

/**
 * A file of TensorBoard events, `events.out.tfevents.…` (TFRecord frames with protocol buffers of tensorflow/core/util/event.proto).
 * Every event is on disk when the call returns.
 */
export class EventFile {
  readonly path: string;

  /** @param folder made where needed */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    const seconds = Math.floor(Date.now() / 1000);
    this.path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${nextFile++}`);
    this.#write(message(3, utf8("brain.Event:2")));
  }

  /** Values of one step: numbers are scalars, strings texts (Markdown). */
  add(values: Readonly<Record<string, number | string>>, step: number): void {
    const summary = Object.entries(values).map(([tag, value]) =>
      message(1, typeof value === "number" ? scalarValue(tag, value) : textValue(tag, value)),
    );
    this.#write(Buffer.concat([varintField(2, step), message(5, Buffer.concat(summary))]));
  }

  /** Says that training starts at a step: TensorBoard drops what earlier files of the folder have from there on. */
  start(step: number): void {
    const SESSION_START = 1;
    this.#write(Buffer.concat([varintField(2, step), message(7, varintField(1, SESSION_START))]));
  }

  #write(event: Buffer): void {
    const data = Buffer.concat([doubleField(1, Date.now() / 1000), event]);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(data.length));
    appendFileSync(this.path, Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]));
  }
}

/** A `Summary.Value` with `simple_value`. */
function scalarValue(tag: string, value: number): Buffer {
  const simple = Buffer.alloc(4);
  simple.writeFloatLE(value);
  return Buffer.concat([message(1, utf8(tag)), fieldKey(2, WireType.FIXED32), simple]);
}

/** A `Summary.Value` of the text plugin: a tensor with one string. */
function textValue(tag: string, text: string): Buffer {
  const DT_STRING = 7;
  const metadata = message(1, message(1, utf8("text"))); // SummaryMetadata.plugin_data.plugin_name
  const shape = message(2, message(2, varintField(1, 1))); // TensorShapeProto.dim.size
  const tensor = Buffer.concat([varintField(1, DT_STRING), shape, message(8, utf8(text))]);
  return Buffer.concat([message(1, utf8(`${tag}/text_summary`)), message(8, tensor), message(9, metadata)]);
}

/** How values of fields are written in a protocol buffer. */
const WireType = { VARINT: 0, FIXED64: 1, BYTES: 2, FIXED32: 5 } as const;

function fieldKey(field: number, type: number): Buffer {
  return varint((field << 3) | type);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  // 64-bit two's complement for negative steps, as protocol buffers have it
  let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([fieldKey(field, WireType.VARINT), varint(value)]);
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([fieldKey(field, WireType.FIXED64), bytes]);
}

/** A field with a message or a string. */
function message(field: number, content: Buffer): Buffer {
  return Buffer.concat([fieldKey(field, WireType.BYTES), varint(content.length), content]);
}

function utf8(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** Remainders of bytes for {@link crc32c}, polynomial 0x1EDC6F41 with reversed bits. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function crc32c(data: Buffer): number {
  let crc = ~0;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** As TFRecord stores check sums: rotated and shifted, so that one of data with check sums in it is still a good one. */
function maskedCrc(data: Buffer): Buffer {
  const crc = crc32c(data);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(masked);
  return bytes;
}
