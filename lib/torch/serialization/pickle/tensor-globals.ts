/** The names of the allow-list that make tensors: PyTorch's `torch._utils._rebuild_…`. */
import { itemSize, type DType } from "../../dtype";
import { damaged, printable, unsupported } from "../errors";
import { TorchDType, TorchLayout, TorchQScheme, Tuple } from "../python-values";
import { count, real, sizes } from "./arguments";
import {
  DictNode,
  GlobalNode,
  TensorNode,
  TypedStorageNode,
  type Quantizer,
  type Strided,
  type TensorData,
} from "./nodes";
import { TENSOR_DTYPES } from "./storage-types";

/** What calling a name makes. */
export const TENSORS: readonly [string, (args: Tuple) => unknown][] = [
  ["torch._utils._rebuild_tensor", (args) => rebuildTensor(args)],
  ["torch._utils._rebuild_tensor_v2", (args) => rebuildTensor(args, { metadata: 6 })],
  ["torch._utils._rebuild_tensor_v3", (args) => rebuildTensor(args, { dtype: 6, metadata: 7 })],
  ["torch._utils._rebuild_qtensor", rebuildQuantized],
  ["torch._utils._rebuild_sparse_tensor", rebuildSparse],
  ["torch._utils._rebuild_meta_tensor_no_storage", rebuildMeta],
  ["torch._utils._rebuild_device_tensor_from_cpu_tensor", rebuildFromCpu],
  ["torch._utils._rebuild_parameter", (args) => rebuildParameter(args)],
  ["torch._utils._rebuild_parameter_with_state", (args) => rebuildParameter(args, 3)],
  // parameters of PyTorch before 0.4 are called like any class
  ["torch.nn.parameter.Parameter", newParameter],
];

/** `(storage, offset, size, stride, requires_grad, hooks)`, then what newer versions add. */
export function rebuildTensor(args: Tuple, optional: { dtype?: number; metadata?: number } = {}): TensorNode {
  const [storage, offset, shape, strides, requiresGrad] = args;
  const given = optional.dtype === undefined ? undefined : args[optional.dtype];
  if (optional.dtype !== undefined && !(given instanceof TorchDType)) throw damaged("a tensor without a dtype");
  const place = strided(storage, offset, shape, strides, given instanceof TorchDType ? given.name : undefined);
  if (place.dtype.startsWith("q")) throw damaged("a quantized tensor without its quantizer");
  const metadata = optional.metadata === undefined ? undefined : args[optional.metadata];
  // two flags are all there is; a long dict that many tensors share would be searched again and again
  const flags = metadata instanceof DictNode && metadata.keys.length <= 8 ? metadata : null;
  const flag = (name: string): boolean => flags?.get(name) === true;
  return tensor({ kind: "dense", ...place, lazy: { conj: flag("conj"), neg: flag("neg") } }, requiresGrad);
}

function rebuildQuantized(args: Tuple): TensorNode {
  const [storage, offset, shape, strides, parameters, requiresGrad] = args;
  const place = strided(storage, offset, shape, strides);
  return tensor({ kind: "quantized", ...place, quantizer: quantizer(parameters, place.shape) }, requiresGrad);
}

function quantizer(parameters: unknown, shape: readonly number[]): Quantizer {
  const [kind, first, second, axis]: readonly unknown[] = parameters instanceof Tuple ? parameters : [];
  if (!(kind instanceof TorchQScheme)) throw damaged("a quantized tensor without its scheme");
  const scheme = kind.name;
  switch (scheme) {
    case "per_tensor_affine":
      return { scheme, scale: real(first), zeroPoint: real(second) };
    case "per_channel_affine":
    case "per_channel_affine_float_qparams": {
      const known = count(axis, "the axis of a quantized tensor");
      const channels = shape[known];
      if (channels === undefined) throw damaged("a quantized tensor with an axis that it lacks");
      const scales = perChannel(first, channels);
      return { scheme, scales, zeroPoints: perChannel(second, channels), axis: known };
    }
    default:
      throw unsupported(`a quantized tensor of the scheme ${scheme}`, "save it dequantized");
  }
}

function perChannel(value: unknown, channels: number): TensorNode | number[] {
  const length = value instanceof TensorNode ? elements(value) : Array.isArray(value) ? value.length : undefined;
  if (length !== channels) throw damaged("a quantized tensor without a scale and a zero point for each channel");
  return value instanceof TensorNode ? value : (value as unknown[]).map(real);
}

function elements({ data }: TensorNode): number {
  return data?.kind === "dense" ? data.shape.reduce((product, size) => product * size, 1) : -1;
}

function rebuildSparse(args: Tuple): TensorNode {
  const [layout, data] = args;
  if (!(layout instanceof TorchLayout) || !(data instanceof Tuple)) throw damaged("a sparse tensor without its layout");
  const isCoo = layout.name === "sparse_coo";
  if (!isCoo && !/^sparse_(csr|csc|bsr|bsc)$/.test(layout.name))
    throw damaged(`a sparse tensor of the layout ${layout.name}`);
  const partCount = isCoo ? 2 : 3;
  const parts = data.slice(0, partCount);
  if (parts.length !== partCount || !parts.every(isDense)) throw damaged("a sparse tensor without indices and values");
  const coalesced: unknown = isCoo ? data[3] : null;
  const shape = sizes(data[partCount], "a tensor shape");
  return tensor(
    {
      kind: "sparse",
      layout: layout.name,
      parts,
      shape,
      isCoalesced: typeof coalesced === "boolean" ? coalesced : null,
    },
    false,
  );
}

function isDense(part: unknown): part is TensorNode {
  return part instanceof TensorNode && part.data?.kind === "dense";
}

function rebuildMeta(args: Tuple): TensorNode {
  const [dtype, shape, strides, requiresGrad] = args;
  if (!(dtype instanceof TorchDType)) throw damaged("a tensor without a dtype");
  const [own, steps] = [sizes(shape, "a tensor shape"), sizes(strides, "tensor strides")];
  if (own.length !== steps.length) throw damaged("a tensor with more strides than sizes, or fewer");
  return tensor({ kind: "meta", dtype: known(dtype.name), shape: own, strides: steps }, requiresGrad);
}

/** Tensors of devices without storages of their own travel as CPU tensors. */
function rebuildFromCpu(args: Tuple): TensorNode {
  const [data, dtype, , requiresGrad] = args;
  if (!isDense(data) || !(dtype instanceof TorchDType)) throw damaged("a tensor without its data");
  if (data.data?.kind === "dense" && data.data.dtype !== dtype.name)
    throw unsupported(`a tensor of another device with the dtype ${dtype.name}`, "save it as a CPU tensor");
  return new TensorNode(data.data, requiresGrad === true, false);
}

function rebuildParameter(args: Tuple, attributes?: number): TensorNode {
  const [data, requiresGrad] = args;
  if (!(data instanceof TensorNode)) throw damaged("a parameter without a tensor");
  const node = new TensorNode(data.data, requiresGrad === true, true, data.dtype);
  if (attributes !== undefined) node.attributes = args[attributes] ?? null;
  return node;
}

/** `Parameter(data=empty(0), requires_grad=True)`. */
function newParameter(args: Tuple): TensorNode {
  if (args.length === 0) return new TensorNode(null, true, true);
  const node = rebuildParameter(args);
  node.requiresGrad = args[1] !== false;
  return node;
}

/**
 * A tensor with Python attributes: (function, class, arguments, attributes).
 *
 * @param call calls a name of the allow-list.
 */
export function rebuildFromType(args: Tuple, call: (callee: unknown, args: unknown) => unknown): TensorNode {
  const [rebuild, type, inner, attributes] = args;
  if (!(rebuild instanceof GlobalNode) || !rebuild.name.startsWith("torch._utils._rebuild_"))
    throw damaged("a tensor that is built in an unknown way");
  if (!(type instanceof GlobalNode)) throw damaged("a tensor of an unknown class");
  const result = call(rebuild, inner);
  if (!(result instanceof TensorNode)) throw damaged("a tensor that is none");
  result.isParameter ||= type.name === "torch.nn.parameter.Parameter";
  result.attributes = attributes ?? null;
  return result;
}

/**
 * States of old tensors: `(storage, offset, size, stride)`; `(data, _, _, requires_grad, _)` or `(requires_grad, _, hooks)`
 * of parameters before PyTorch 0.4.
 */
export function setTensorState(node: TensorNode, state: Tuple): void {
  const [first, second, third, fourth] = state;
  if (state.length === 4 && node.data === null) {
    node.data = { kind: "dense", ...strided(first, second, third, fourth), lazy: { conj: false, neg: false } };
  } else if (state.length === 5 && first instanceof TensorNode) {
    node.data = first.data;
    node.requiresGrad = fourth === true;
  } else if (state.length === 3 && typeof first === "boolean") {
    node.requiresGrad = first;
  } else {
    throw damaged("a tensor with an unknown state");
  }
}

function tensor(data: TensorData, requiresGrad: unknown): TensorNode {
  return new TensorNode(data, requiresGrad === true, false);
}

function known(dtype: DType): DType {
  if (!TENSOR_DTYPES.has(dtype)) throw unsupported(`a tensor of the dtype ${dtype}`, "save it as another dtype");
  return dtype;
}

function strided(storage: unknown, offset: unknown, shape: unknown, strides: unknown, dtype?: DType): Strided {
  if (!(storage instanceof TypedStorageNode)) throw damaged("a tensor without a storage");
  const type = dtype ?? storage.dtype ?? "uint8";
  if (type === "quint4x2" || type === "quint2x4")
    throw unsupported(`a tensor of the dtype ${type}`, "save it dequantized");
  const place = {
    storage: storage.storage,
    dtype: known(type),
    offset: count(offset, "a tensor offset"),
    shape: sizes(shape, "a tensor shape"),
    strides: sizes(strides, "tensor strides"),
  };
  if (place.shape.length !== place.strides.length) throw damaged("a tensor with more strides than sizes, or fewer");
  checkBounds(place);
  storage.storage.readAs(type);
  return place;
}

/** Every element lies in the storage. Bigints: the products of hostile numbers leave the exact range. */
function checkBounds({ storage, dtype, offset, shape, strides }: Strided): void {
  const total = shape.reduce((product, size) => product * BigInt(size), 1n);
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged("a tensor of more than 2^53 elements");
  const last =
    total === 0n
      ? -1n
      : shape.reduce((sum, size, d) => sum + BigInt(size - 1) * BigInt(strides[d] ?? 0), BigInt(offset));
  const needed = (total === 0n ? BigInt(offset) : last + 1n) * BigInt(itemSize(dtype));
  if (needed > BigInt(storage.byteLength)) {
    throw damaged(
      `a tensor that needs ${needed} bytes of storage ${printable(storage.key)}, which has ${storage.byteLength}`,
    );
  }
}
