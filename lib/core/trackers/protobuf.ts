/** Fields of protocol buffers, as bytes: as much as event files and offline runs need. */

/** How the value of a field is written. */
const WireType = { VARINT: 0, FIXED64: 1, BYTES: 2, FIXED32: 5 } as const;

function fieldKey(field: number, type: number): Buffer {
  return varint((field << 3) | type);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  // 64-bit two's complement for negative numbers
  let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** An integer (`int32`, `int64`, `bool`, an enum); 0 is what a reader takes for a field that is not there. */
export function integerField(field: number, value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  return Buffer.concat([fieldKey(field, WireType.VARINT), varint(value)]);
}

export function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([fieldKey(field, WireType.FIXED64), bytes]);
}

export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([fieldKey(field, WireType.FIXED32), bytes]);
}

/** A message, made of its fields. */
export function messageField(field: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([fieldKey(field, WireType.BYTES), varint(bytes.length), bytes]);
}

export function stringField(field: number, text: string): Buffer {
  return messageField(field, Buffer.from(text, "utf8"));
}
