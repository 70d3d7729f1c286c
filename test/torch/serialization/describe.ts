/** The same descriptions as fixtures/describe.py, of what `load` gives. */
import { nn, Tensor } from "../../../lib/torch";
import { native } from "../../../lib/torch/addon";
import {
  ComplexNumber,
  isFloatEntry,
  OrderedDict,
  Size,
  TorchDevice,
  TorchDType,
  Tuple,
} from "../../../lib/torch/serialization";
import { isFloatKey, looksLikeInt } from "../../../lib/torch/serialization/python-values";

export function describeValue(value: unknown, isFloat = false, seen = new Map<object, number>()): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "number")
    return looksLikeInt(value) && !isFloat ? { int: String(value) } : { float: floatBits(value) };
  if (value instanceof ComplexNumber)
    return { complex: [{ float: floatBits(value.re) }, { float: floatBits(value.im) }] };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (value instanceof TorchDType) return { dtype: `torch.${value.name}` };
  if (value instanceof TorchDevice) return { device: value.name };
  if (value instanceof Tuple && !(value instanceof Size) && value.length === 0) return { tuple: [] };
  const object = value as object;
  if (seen.has(object)) return { again: seen.get(object) };
  seen.set(object, seen.size);
  if (object instanceof Tensor) return describeTensor(object);
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
  if (object instanceof Map) return { dict: entries(object) };
  if (Array.isArray(object))
    return { [object instanceof Tuple ? "tuple" : "list"]: object.map((item, i) => entry(i, item)) };
  return { dict: entries(Object.entries(object)) };
}

function describeTensor(tensor: Tensor): unknown {
  const data = tensor.detach().resolveConj().resolveNeg();
  const lazy = native.archiveIsLazy(tensor.handle);
  return {
    tensor: tensor instanceof nn.Parameter ? "Parameter" : "Tensor",
    dtype: tensor.dtype,
    shape: [...tensor.shape],
    stride: [...(lazy ? data.contiguous() : tensor).stride()],
    offset: lazy ? 0 : tensor.storageOffset(),
    requires_grad: tensor.requiresGrad,
    data: Buffer.from(data.bytes()).toString("hex"),
  };
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
