/** The same descriptions as fixtures/describe.py, of what `load` gives. */
import { createHash } from "node:crypto";
import * as torch from "../../../lib/torch";
import { nn, ops, Tensor } from "../../../lib/torch";
import { native } from "../../../lib/torch/addon";
import {
  attributesOf,
  ByteArray,
  ComplexNumber,
  Counter,
  isFloatEntry,
  OrderedDict,
  Size,
  TorchDevice,
  TorchDType,
  TorchLayout,
  TorchQScheme,
  Tuple,
  TypedStorage,
} from "../../../lib/torch/serialization";
import { isFloatKey, looksLikeInt } from "../../../lib/torch/serialization/python-values";

export function describeValue(value: unknown, isFloat = false, seen = new Map<object, number>()): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "number")
    return looksLikeInt(value) && !isFloat ? { int: String(value) } : { float: floatBits(value) };
  if (value instanceof ComplexNumber)
    return { complex: [{ float: floatBits(value.re) }, { float: floatBits(value.im) }] };
  if (value instanceof ByteArray) return { bytearray: Buffer.from(value).toString("hex") };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (value instanceof TorchDType) return { dtype: `torch.${value.name}` };
  if (value instanceof TorchDevice) return { device: value.name };
  if (value instanceof TorchLayout) return { layout: `torch.${value.name === "mkldnn" ? "_mkldnn" : value.name}` };
  if (value instanceof TorchQScheme) return { qscheme: `torch.${value.name}` };
  if (value instanceof Tuple && !(value instanceof Size) && value.length === 0) return { tuple: [] };
  const object = value as object;
  if (seen.has(object)) return { again: seen.get(object) };
  seen.set(object, seen.size);
  if (object instanceof TypedStorage) return { storage: object.dtype, data: raw(object.data) };
  if (object instanceof Tensor) {
    const attributes = attributesOf(object);
    return {
      ...describeTensor(object),
      ...(attributes === undefined ? {} : { attributes: describeValue(attributes, false, seen) }),
    };
  }
  if (object instanceof Size) return { Size: [...object] };
  const entry = (key: unknown, item: unknown) => describeValue(item, isFloatEntry(object, key), seen);
  const entries = (list: Iterable<[unknown, unknown]>) =>
    [...list].map(([key, item]) => [describeValue(key, isFloatKey(object, key), seen), entry(key, item)]);
  if (object instanceof Set) return { set: [...object].map((item) => entry(item, item)) };
  if (object instanceof OrderedDict) {
    const attributes =
      Object.keys(object.attributes).length > 0 ? { attributes: describeValue(object.attributes, false, seen) } : {};
    return { OrderedDict: entries(object), ...attributes };
  }
  if (object instanceof Counter) return { Counter: entries(object) };
  if (object instanceof Map) return { dict: entries(object) };
  if (Array.isArray(object))
    return { [object instanceof Tuple ? "tuple" : "list"]: object.map((item, i) => entry(i, item)) };
  return { dict: entries(Object.entries(object)) };
}

function describeTensor(tensor: Tensor): object {
  const kind = native.archiveKind(tensor.handle);
  const head = {
    tensor: tensor instanceof nn.Parameter ? "Parameter" : "Tensor",
    dtype: tensor.dtype,
    shape: [...tensor.shape],
    requires_grad: tensor.requiresGrad,
  };
  const data = tensor.detach();
  if (kind === "Sparse") {
    const parts = [torch._indices(data), torch._values(data)];
    return { ...head, layout: "sparse_coo", coalesced: torch.isCoalesced(tensor), parts: parts.map(raw) };
  }
  if (kind.startsWith("Sparse")) {
    const byRow = kind.endsWith("r");
    const [compressed, plain] = byRow
      ? [torch.crowIndices(data), torch.colIndices(data)]
      : [torch.ccolIndices(data), torch.rowIndices(data)];
    const layout = kind.replace("Sparse", "sparse_").toLowerCase();
    return { ...head, layout, parts: [compressed, plain, torch.values(data)].map(raw) };
  }
  if (kind === "meta") return { ...head, stride: [...tensor.stride()], device: "meta" };
  const place = { stride: [...tensor.stride()], offset: tensor.storageOffset() };
  if (kind === "quantized") {
    const quantizer =
      ops.call("aten::qscheme", tensor) === 0
        ? [torch.qScale(tensor), torch.qZeroPoint(tensor)]
        : [
            raw(torch.qPerChannelScales(tensor)),
            raw(torch.qPerChannelZeroPoints(tensor)),
            torch.qPerChannelAxis(tensor),
          ];
    return { ...head, ...place, quantizer, data: raw(torch.intRepr(tensor)) };
  }
  if (!native.archiveIsLazy(tensor.handle)) return { ...head, ...place, data: raw(data) };
  const resolved = data.resolveConj().resolveNeg().contiguous();
  return { ...head, stride: [...resolved.stride()], offset: 0, data: raw(resolved) };
}

function raw(data: Tensor): string {
  const bytes = Buffer.from(data.bytes());
  return bytes.length <= 256 ? bytes.toString("hex") : `sha256 ${createHash("sha256").update(bytes).digest("hex")}`;
}

function floatBits(value: number): string {
  if (Number.isNaN(value)) return "nan";
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
}

/** Descriptions with the items of sets in one order: a set has none. */
export function sorted(description: unknown): unknown {
  if (Array.isArray(description)) return description.map(sorted);
  if (typeof description !== "object" || description === null) return description;
  return Object.fromEntries(
    Object.entries(description).map(([key, value]) => {
      const inner = sorted(value);
      return [
        key,
        key === "set" ? (inner as unknown[]).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : inner,
      ];
    }),
  );
}
