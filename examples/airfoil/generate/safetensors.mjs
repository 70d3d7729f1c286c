/** The few lines of the safetensors format that the generator needs: float32 and float16 tensors, and metadata. */
import { renameSync, writeFileSync } from "node:fs";

const word = new DataView(new ArrayBuffer(4));

/** Bits of the half-precision number nearest to x (ties to even; beyond the range: infinity). */
export function toHalf(x) {
  word.setFloat32(0, x);
  const bits = word.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const mantissa = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    const shift = 14 - exponent;
    const value = (mantissa | 0x800000) >>> shift;
    const rest = (mantissa | 0x800000) & ((1 << shift) - 1);
    const half = 1 << (shift - 1);
    return sign | (value + (rest > half || (rest === half && value & 1) ? 1 : 0));
  }
  const value = (exponent << 10) | (mantissa >>> 13);
  const rest = mantissa & 0x1fff;
  return sign | (value + (rest > 0x1000 || (rest === 0x1000 && value & 1) ? 1 : 0));
}

/**
 * @param path file to write (through a temporary name)
 * @param tensors map name -> { dtype: "F32" | "F16", shape: number[], values: ArrayLike<number> }
 * @param metadata map of strings
 */
export function writeSafetensors(path, tensors, metadata) {
  const header = { __metadata__: metadata };
  const parts = [];
  let offset = 0;
  for (const [name, { dtype, shape, values }] of Object.entries(tensors)) {
    const data = dtype === "F32" ? Float32Array.from(values) : Uint16Array.from(values, toHalf);
    if (data.length !== shape.reduce((a, b) => a * b, 1))
      throw new Error(`${name}: ${data.length} values for shape ${shape}`);
    parts.push(Buffer.from(data.buffer));
    header[name] = { dtype, shape, data_offsets: [offset, (offset += data.byteLength)] };
  }
  let json = JSON.stringify(header);
  json += " ".repeat((8 - (json.length % 8)) % 8);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  writeFileSync(`${path}.tmp`, Buffer.concat([size, Buffer.from(json), ...parts]));
  renameSync(`${path}.tmp`, path);
}
