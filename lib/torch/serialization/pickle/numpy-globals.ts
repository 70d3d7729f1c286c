/** numpy scalars: `numpy.float64(2)` in a checkpoint becomes the number. Arrays and other numpy values are refused. */
import { fromFloat16 } from "../../read";
import { damaged, printable, unsupported } from "../errors";
import { ComplexNumber, Float, looksLikeInt, type Tuple } from "../python-values";
import { NumpyDTypeNode } from "./nodes";

/** What calling a name makes. */
export const NUMPY: readonly [string, (args: Tuple) => unknown][] = [
  ["numpy.dtype", dtype],
  ["numpy.core.multiarray.scalar", scalar],
];

function dtype(args: Tuple): NumpyDTypeNode {
  const [code] = args;
  if (typeof code !== "string") throw damaged("a numpy dtype without a name");
  return new NumpyDTypeNode(code);
}

function scalar(args: Tuple): unknown {
  const [type, data] = args;
  if (!(type instanceof NumpyDTypeNode)) throw damaged("a numpy scalar without dtype");
  if (!/^(b1|[iu][1248]|f[248]|c8|c16)$/.test(type.code))
    throw unsupported(`a numpy scalar of the dtype ${printable(type.code)}`, "save it as a number or a string");
  if (!(data instanceof Uint8Array) || data.byteLength !== Number(type.code.slice(1)))
    throw damaged("a numpy scalar without its bytes");
  return read(type.code, new DataView(data.buffer, data.byteOffset, data.byteLength), type.byteOrder !== ">");
}

function read(code: string, view: DataView, isLittle: boolean): unknown {
  switch (code) {
    case "b1":
      return view.getUint8(0) !== 0;
    case "i1":
      return view.getInt8(0);
    case "u1":
      return view.getUint8(0);
    case "i2":
      return view.getInt16(0, isLittle);
    case "u2":
      return view.getUint16(0, isLittle);
    case "i4":
      return view.getInt32(0, isLittle);
    case "u4":
      return view.getUint32(0, isLittle);
    case "i8":
      return int(view.getBigInt64(0, isLittle));
    case "u8":
      return int(view.getBigUint64(0, isLittle));
    case "f2":
      return float(fromFloat16(view.getUint16(0, isLittle)));
    case "f4":
      return float(view.getFloat32(0, isLittle));
    case "f8":
      return float(view.getFloat64(0, isLittle));
    case "c8":
      return new ComplexNumber(view.getFloat32(0, isLittle), view.getFloat32(4, isLittle));
    default:
      return new ComplexNumber(view.getFloat64(0, isLittle), view.getFloat64(8, isLittle));
  }
}

function float(value: number): number | Float {
  return looksLikeInt(value) ? new Float(value) : value;
}

function int(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
