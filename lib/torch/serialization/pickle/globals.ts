/**
 * The allow-list: every global name that a pickle may mention, and what calling it makes. Nothing else is ever looked up,
 * and what is made here is data. It is the list of PyTorch's `weights_only` loader as far as dense tensors go, plus numpy
 * scalars.
 */
import { itemSize } from "../../dtype";
import type { DType } from "../../dtype";
import { damaged, CheckpointError } from "../errors";
import { ComplexNumber, Float, Size, TorchDevice, TorchDType, Tuple, looksLikeInt, tupleFrom } from "../python-values";
import {
  DictNode,
  GlobalNode,
  NumpyDTypeNode,
  ParameterNode,
  SetNode,
  StorageNode,
  StorageTypeNode,
  TensorNode,
} from "./nodes";

/** The typed storage classes that `torch.save` names; dtypes that came later lie in an `UntypedStorage`. */
export const STORAGE_TYPES: Readonly<Record<string, DType>> = {
  FloatStorage: "float32",
  DoubleStorage: "float64",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
  ComplexFloatStorage: "complex64",
  ComplexDoubleStorage: "complex128",
};

/** The dtypes that a checkpoint can hold as tensors. */
export const TENSOR_DTYPES: ReadonlySet<DType> = new Set([
  ...Object.values(STORAGE_TYPES),
  "complex32",
  "uint16",
  "uint32",
  "uint64",
  "float8_e4m3fn",
  "float8_e4m3fnuz",
  "float8_e5m2",
  "float8_e5m2fnuz",
  "float8_e8m0fnu",
  "float4_e2m1fn_x2",
] satisfies DType[]);

/** Old names and Python 2 names of what is on the list. */
const MODULES: Readonly<Record<string, string>> = {
  __builtin__: "builtins",
  "numpy._core.multiarray": "numpy.core.multiarray",
};

/** What a name on the list stands for when it is used as a value; anything that is only called is a {@link GlobalNode}. */
const VALUES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries(STORAGE_TYPES).map(([name, dtype]): [string, unknown] => [
    `torch.${name}`,
    new StorageTypeNode(dtype),
  ]),
  ["torch.storage.UntypedStorage", new StorageTypeNode(null)],
  ...[...TENSOR_DTYPES].map((dtype): [string, unknown] => [`torch.${dtype}`, new TorchDType(dtype)]),
  ["torch.Tensor", new GlobalNode("torch.Tensor")],
  ["torch.nn.parameter.Parameter", new GlobalNode("torch.nn.parameter.Parameter")],
]);

type Constructor = (args: Tuple) => unknown;

/** What calling a name on the list makes. */
const CONSTRUCTORS: ReadonlyMap<string, Constructor> = new Map<string, Constructor>([
  ["collections.OrderedDict", (args) => orderedDict(args)],
  ["collections.Counter", (args) => counter(args)],
  ["builtins.set", (args) => set(args)],
  ["builtins.bytes", (args) => bytes(args)],
  ["builtins.bytearray", (args) => bytes(args)],
  ["builtins.complex", (args) => complex(args)],
  ["_codecs.encode", (args) => encode(args)],
  ["torch.Size", (args) => tupleFrom(sizes(args[0], "torch.Size"), Size)],
  ["torch.device", (args) => device(args)],
  ["torch._utils._rebuild_tensor", (args) => rebuildTensor(args)],
  ["torch._utils._rebuild_tensor_v2", (args) => rebuildTensor(args, { metadata: 6 })],
  ["torch._utils._rebuild_tensor_v3", (args) => rebuildTensor(args, { dtype: 6, metadata: 7 })],
  ["torch._utils._rebuild_parameter", (args) => rebuildParameter(args)],
  ["torch._utils._rebuild_parameter_with_state", (args) => rebuildParameter(args)],
  ["torch._tensor._rebuild_from_type_v2", (args) => rebuildFromType(args)],
  ["numpy.dtype", (args) => numpyDType(args)],
  ["numpy.core.multiarray.scalar", (args) => numpyScalar(args)],
]);

const NODES = new Map([...CONSTRUCTORS.keys()].map((name) => [name, new GlobalNode(name)]));

/**
 * The object behind a global name.
 *
 * @throws CheckpointError naming the global, for every name that is not on the list.
 */
export function lookUpGlobal(module: string, name: string): unknown {
  const path = `${Object.hasOwn(MODULES, module) ? MODULES[module] : module}.${name}`;
  const found = VALUES.get(path) ?? NODES.get(path);
  if (found === undefined)
    throw new CheckpointError(
      `expected only plain data and tensors, got the global ${printable(path)}: ${advice(path)}`,
    );
  return found;
}

/** Calls a global. */
export function callGlobal(callee: unknown, args: unknown): unknown {
  const make = callee instanceof GlobalNode ? CONSTRUCTORS.get(callee.name) : undefined;
  if (make === undefined) throw damaged("a call of something that is no function");
  if (!(args instanceof Tuple)) throw damaged("a call without a tuple of arguments");
  return make(args);
}

/** The state that Python's `__setstate__` would get. */
export function buildGlobal(target: unknown, state: unknown): void {
  if (target instanceof DictNode && target.ordered && state instanceof DictNode) {
    target.attributes = state;
  } else if (target instanceof NumpyDTypeNode && state instanceof Tuple && typeof state[1] === "string") {
    target.byteOrder = state[1];
  } else {
    throw damaged("a state for an object that takes none");
  }
}

function advice(path: string): string {
  if (
    path.startsWith("torch._utils._rebuild_sparse") ||
    path.startsWith("torch._utils._rebuild_q") ||
    path.includes("layout")
  ) {
    return "sparse and quantized tensors cannot be loaded; save dense ones";
  }
  if (path.startsWith("numpy.")) return "save arrays as tensors (torch.from_numpy)";
  if (path.startsWith("torch.") && path.endsWith("Storage")) return "storages of this kind cannot be loaded";
  if (/^(torch\.nn|__main__|torchvision|transformers|noether)\b/.test(path)) {
    return "it is an object of a Python class; save model.state_dict() instead of the model";
  }
  return "nothing of that kind is loaded, since it could run code; save dicts, lists, strings, numbers and tensors";
}

/** A name from the file, safe to print. */
export function printable(text: string): string {
  const clean = JSON.stringify(text).slice(1, -1);
  return clean.length > 120 ? `${clean.slice(0, 120)}…` : clean;
}

// ---- containers and numbers

function orderedDict(args: Tuple): DictNode {
  const dict = new DictNode(true);
  if (args.length === 0) return dict;
  // Python 2 and old PyTorch pass a list of pairs
  const [pairs] = args;
  if (args.length !== 1 || !Array.isArray(pairs)) throw damaged("an OrderedDict with unknown arguments");
  for (const pair of pairs as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw damaged("an OrderedDict whose items are no pairs");
    dict.set(hashable(pair[0]), pair[1]);
  }
  return dict;
}

function counter(args: Tuple): DictNode {
  if (args.length === 0) return new DictNode(false);
  if (args.length !== 1 || !(args[0] instanceof DictNode)) throw damaged("a Counter with unknown arguments");
  return args[0];
}

function set(args: Tuple): SetNode {
  const node = new SetNode();
  if (args.length === 0) return node;
  if (args.length !== 1 || !Array.isArray(args[0])) throw damaged("a set with unknown arguments");
  for (const item of args[0] as unknown[]) node.items.push(hashable(item));
  return node;
}

/** `bytes()`, `bytearray(encoded)`, `bytearray(text, "latin-1")`. */
function bytes(args: Tuple): Uint8Array {
  if (args.length === 0) return new Uint8Array(0);
  if (args.length === 1 && args[0] instanceof Uint8Array) return args[0];
  return encode(args);
}

/** Protocol 2 has no bytes: `_codecs.encode(text, "latin1")`. */
function encode(args: Tuple): Uint8Array {
  const [text, encoding] = args;
  if (args.length !== 2 || typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) {
    throw damaged("bytes in an unknown encoding");
  }
  const result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw damaged("bytes with a character above 255");
    result[i] = code;
  }
  return result;
}

function complex(args: Tuple): ComplexNumber {
  if (args.length !== 2) throw damaged("a complex number without two parts");
  return new ComplexNumber(real(args[0]), real(args[1]));
}

function device(args: Tuple): TorchDevice {
  const [type, index] = args;
  if (typeof type !== "string" || args.length > 2) throw damaged("a torch.device without a name");
  return new TorchDevice(args.length === 2 && index !== null ? `${type}:${count(index, "a device index")}` : type);
}

function real(value: unknown): number {
  if (value instanceof Float) return value.value;
  if (typeof value !== "number") throw damaged("a number that is none");
  return value;
}

/** A dict key or set item; lists, dicts and sets are none. */
export function hashable(value: unknown): unknown {
  if ((Array.isArray(value) && !(value instanceof Tuple)) || value instanceof DictNode || value instanceof SetNode) {
    throw damaged("a dict key or set item that is a list, dict or set");
  }
  return value;
}

/** A non-negative int. */
function count(value: unknown, what: string): number {
  if (typeof value !== "number" || !looksLikeInt(value) || value < 0)
    throw damaged(`${what} that is no integer of at least 0`);
  return value;
}

function sizes(value: unknown, what: string): number[] {
  if (!Array.isArray(value) || value.length > 64) throw damaged(`${what} that is no tuple of at most 64 integers`);
  return value.map((size) => count(size, what));
}

// ---- tensors

/**
 * The storage of a persistent id: `("storage", class, key, location, number of elements)`.
 *
 * @param known the storages so far: a second mention must agree with the first.
 */
export function persistentStorage(id: unknown, known: Map<string, StorageNode>): StorageNode {
  if (!(id instanceof Tuple) || id[0] !== "storage" || id.length < 5)
    throw damaged("a persistent id that is no storage");
  const [, type, key, location, elements] = id;
  if (!(type instanceof StorageTypeNode)) throw damaged("a storage of an unknown class");
  if (typeof key !== "string" || typeof location !== "string") throw damaged("a storage without key or location");
  const length = count(elements, "a storage size") * (type.dtype === null ? 1 : itemSize(type.dtype));
  if (!Number.isSafeInteger(length)) throw damaged("a storage size above 2^53 bytes");
  const earlier = known.get(key);
  if (earlier !== undefined) {
    if (earlier.dtype !== type.dtype || earlier.byteLength !== length)
      throw damaged(`two different storages with the key ${printable(key)}`);
    return earlier;
  }
  const node = new StorageNode(key, type.dtype, location, length);
  known.set(key, node);
  return node;
}

function rebuildTensor(args: Tuple, optional: { dtype?: number; metadata?: number } = {}): TensorNode {
  const [storage, offset, shape, strides, requiresGrad] = args;
  if (!(storage instanceof StorageNode)) throw damaged("a tensor without a storage");
  const sizesOf = sizes(shape, "a tensor shape");
  const stridesOf = sizes(strides, "tensor strides");
  if (sizesOf.length !== stridesOf.length) throw damaged("a tensor with more strides than sizes, or fewer");
  const given = optional.dtype === undefined ? undefined : args[optional.dtype];
  const dtype = given instanceof TorchDType ? given.name : storage.dtype;
  if (dtype === null || (optional.dtype !== undefined && !(given instanceof TorchDType)))
    throw damaged("a tensor without a dtype");
  const metadata = optional.metadata === undefined ? undefined : args[optional.metadata];
  // two flags are all there is; a long dict that many tensors share would be searched again and again
  const flags = metadata instanceof DictNode && metadata.keys.length <= 8 ? metadata : null;
  const flag = (name: string) => flags?.get(name) === true;
  const lazy = { conj: flag("conj"), neg: flag("neg") };
  const node = new TensorNode(
    storage,
    dtype,
    count(offset, "a tensor offset"),
    sizesOf,
    stridesOf,
    requiresGrad === true,
    lazy,
  );
  checkBounds(node);
  return node;
}

/** Every element lies in the storage. Bigints: the products of hostile numbers leave the exact range. */
function checkBounds({ storage, dtype, offset, shape, strides }: TensorNode): void {
  const elements = shape.reduce((product, size) => product * BigInt(size), 1n);
  if (elements > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged("a tensor of more than 2^53 elements");
  const last =
    elements === 0n
      ? -1n
      : shape.reduce((sum, size, d) => sum + BigInt(size - 1) * BigInt(strides[d] ?? 0), BigInt(offset));
  const needed = (elements === 0n ? BigInt(offset) : last + 1n) * BigInt(itemSize(dtype));
  if (needed > BigInt(storage.byteLength)) {
    throw damaged(
      `a tensor that needs ${needed} bytes of storage ${printable(storage.key)}, which has ${storage.byteLength}`,
    );
  }
}

function rebuildParameter(args: Tuple): ParameterNode {
  const [data, requiresGrad] = args;
  if (!(data instanceof TensorNode)) throw damaged("a parameter without a tensor");
  return new ParameterNode(data, requiresGrad === true);
}

/** A tensor with Python attributes: (function, class, arguments, attributes). The attributes are dropped. */
function rebuildFromType(args: Tuple): unknown {
  const [rebuild, type, inner] = args;
  if (!(rebuild instanceof GlobalNode) || !rebuild.name.startsWith("torch._utils._rebuild_"))
    throw damaged("a tensor that is built in an unknown way");
  if (!(type instanceof GlobalNode)) throw damaged("a tensor of an unknown class");
  const result = callGlobal(rebuild, inner);
  return type.name.endsWith("Parameter") && result instanceof TensorNode
    ? new ParameterNode(result, result.requiresGrad)
    : result;
}

// ---- numpy scalars

function numpyDType(args: Tuple): NumpyDTypeNode {
  const [code] = args;
  if (typeof code !== "string" || !/^(b1|[iu][1248]|f[248]|c8|c16)$/.test(code))
    throw damaged("a numpy dtype that is no plain number");
  return new NumpyDTypeNode(code);
}

function numpyScalar(args: Tuple): unknown {
  const [type, data] = args;
  if (!(type instanceof NumpyDTypeNode) || !(data instanceof Uint8Array))
    throw damaged("a numpy scalar without dtype and bytes");
  const size = Number(type.code.slice(1));
  if (data.byteLength !== size || type.byteOrder === ">")
    throw damaged("a numpy scalar of a foreign byte order or length");
  const view = new DataView(data.buffer, data.byteOffset, size);
  const float = (value: number) => (looksLikeInt(value) ? new Float(value) : value);
  const int = (value: bigint) => (BigInt.asIntN(54, value) === value && value > -(2n ** 53n) ? Number(value) : value);
  switch (type.code) {
    case "b1":
      return view.getUint8(0) !== 0;
    case "i1":
      return view.getInt8(0);
    case "u1":
      return view.getUint8(0);
    case "i2":
      return view.getInt16(0, true);
    case "u2":
      return view.getUint16(0, true);
    case "i4":
      return view.getInt32(0, true);
    case "u4":
      return view.getUint32(0, true);
    case "i8":
      return int(view.getBigInt64(0, true));
    case "u8":
      return int(view.getBigUint64(0, true));
    case "f2":
      return float(halfToNumber(view.getUint16(0, true)));
    case "f4":
      return float(view.getFloat32(0, true));
    case "f8":
      return float(view.getFloat64(0, true));
    case "c8":
      return new ComplexNumber(view.getFloat32(0, true), view.getFloat32(4, true));
    default:
      return new ComplexNumber(view.getFloat64(0, true), view.getFloat64(8, true));
  }
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
