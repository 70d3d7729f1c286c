import { appendFileSync, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { doubleField, floatField, integerField, messageField, stringField } from "./protobuf";

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
    this.#write(stringField(3, "brain.Event:2"));
  }

  /** Values of one step: numbers are scalars, strings texts (Markdown). */
  add(values: Readonly<Record<string, number | string>>, step: number): void {
    const summary = Object.entries(values).map(([tag, value]) =>
      messageField(1, typeof value === "number" ? scalarValue(tag, value) : textValue(tag, value)),
    );
    this.#write(Buffer.concat([integerField(2, step), messageField(5, ...summary)]));
  }

  /** A PNG file. */
  addPicture(tag: string, png: Buffer, step: number): void {
    this.#write(Buffer.concat([integerField(2, step), messageField(5, messageField(1, pictureValue(tag, png)))]));
  }

  /** Says that training starts at a step: TensorBoard drops what earlier files of the folder have from there on. */
  start(step: number): void {
    const SESSION_START = 1;
    this.#write(Buffer.concat([integerField(2, step), messageField(7, integerField(1, SESSION_START))]));
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
  return Buffer.concat([stringField(1, tag), floatField(2, value)]);
}

/** A `Summary.Value` of the text plugin: a tensor with one string. */
function textValue(tag: string, text: string): Buffer {
  const DT_STRING = 7;
  const metadata = messageField(9, messageField(1, stringField(1, "text"))); // SummaryMetadata.plugin_data.plugin_name
  const shape = messageField(2, messageField(2, integerField(1, 1))); // TensorShapeProto.dim.size
  const tensor = messageField(8, integerField(1, DT_STRING), shape, stringField(8, text));
  return Buffer.concat([stringField(1, `${tag}/text_summary`), tensor, metadata]);
}

/** A `Summary.Value` with an `image`: its size, as the file's header has it, three colours, and the file. */
function pictureValue(tag: string, png: Buffer): Buffer {
  const RGB = 3;
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const size = [integerField(1, height), integerField(2, width), integerField(3, RGB)];
  return Buffer.concat([stringField(1, tag), messageField(4, ...size, messageField(4, png))]);
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
