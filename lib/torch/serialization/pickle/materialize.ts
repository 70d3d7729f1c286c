/** Second step of reading: the machine's nodes become JavaScript values, shared ones once. */
import type { Tensor } from "../../tensor";
import { damaged } from "../errors";
import {
  ComplexNumber,
  Float,
  OrderedDict,
  TorchDevice,
  TorchDType,
  Tuple,
  markFloatEntry,
  markFloatKey,
} from "../python-values";
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

/** The deepest nesting that is read or written; Python's own pickler gives up at about the same depth. */
export const MAX_DEPTH = 1000;

/** Makes the tensors; one call per tensor of the file. */
export interface TensorFactory {
  tensor(node: TensorNode): Tensor;
  parameter(node: ParameterNode): Tensor;
}

/** The value of a pickle. */
export function materialize(root: unknown, tensors: TensorFactory): unknown {
  return new Materializer(tensors).value(root, 0);
}

class Materializer {
  constructor(
    private readonly tensors: TensorFactory,
    /** Values by node: what is shared in the file is shared here. */
    private readonly done = new Map<object, unknown>(),
  ) {}

  value(node: unknown, depth: number): unknown {
    if (node instanceof Float) return node.value;
    if (typeof node !== "object" || node === null) return node;
    if (
      node instanceof Uint8Array ||
      node instanceof ComplexNumber ||
      node instanceof TorchDType ||
      node instanceof TorchDevice
    )
      return node;
    if (this.done.has(node)) return this.done.get(node);
    if (depth > MAX_DEPTH) throw damaged(`values that are nested more than ${MAX_DEPTH} deep`);
    if (Array.isArray(node)) return this.array(node, depth);
    if (node instanceof DictNode) return this.dict(node, depth);
    if (node instanceof SetNode) return this.set(node, depth);
    const tensor = this.tensor(node);
    this.done.set(node, tensor);
    return tensor;
  }

  private tensor(node: object): Tensor {
    if (node instanceof TensorNode) return this.tensors.tensor(node);
    if (node instanceof ParameterNode) return this.tensors.parameter(node);
    throw damaged(`${nameOf(node)} where a value is due`);
  }

  /** A list or tuple: filled in place, so that references to it (also from within) hold. */
  private array(items: unknown[], depth: number): unknown[] {
    this.done.set(items, items);
    for (let i = 0; i < items.length; i++) {
      if (items[i] instanceof Float) markFloatEntry(items, i);
      items[i] = this.value(items[i], depth + 1);
    }
    return items;
  }

  private set(node: SetNode, depth: number): Set<unknown> {
    const set = new Set<unknown>();
    this.done.set(node, set);
    for (const item of node.items) {
      const value = this.value(item, depth + 1);
      set.add(value);
      if (item instanceof Float) markFloatEntry(set, value);
    }
    return set;
  }

  private dict(node: DictNode, depth: number): object {
    if (!node.ordered && node.keys.every(keepsItsPlace)) return this.object(node, depth);
    const map = node.ordered ? new OrderedDict() : new Map<unknown, unknown>();
    this.done.set(node, map);
    for (const [name, i] of this.lastOfEach(node, depth)) {
      if (node.keys[i] instanceof Float) markFloatKey(map, name);
      if (node.values[i] instanceof Float) markFloatEntry(map, name);
      map.set(name, this.value(node.values[i], depth + 1));
    }
    if (map instanceof OrderedDict && node.attributes !== null) {
      const attributes = new Materializer(NO_TENSORS, this.done).value(node.attributes, depth + 1);
      if (!(attributes instanceof Map)) map.attributes = attributes as Record<string, unknown>;
    }
    return map;
  }

  private object(node: DictNode, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.done.set(node, object);
    for (const [name, i] of this.lastOfEach(node, depth)) {
      if (node.values[i] instanceof Float) markFloatEntry(object, name);
      object[name as string] = this.value(node.values[i], depth + 1);
    }
    return object;
  }

  /** Index of each key, the last where it comes twice (in the place of the first, as in Python). */
  private lastOfEach(node: DictNode, depth: number): Map<unknown, number> {
    return new Map(node.keys.map((key, i) => [this.value(key, depth + 1), i]));
  }
}

/** Nobody looks for tensors in the attributes of a dict: neither scopes nor whoever frees what was loaded. */
const NO_TENSORS: TensorFactory = {
  tensor: () => {
    throw damaged("a tensor among the attributes of a dict");
  },
  parameter: () => {
    throw damaged("a parameter among the attributes of a dict");
  },
};

/** A key that a plain object holds like a dict does: JavaScript sorts integer-like names to the front, and `__proto__` is no name. */
function keepsItsPlace(key: unknown): boolean {
  return typeof key === "string" && key !== "__proto__" && !/^(0|[1-9]\d{0,9})$/.test(key);
}

function nameOf(node: object): string {
  if (node instanceof GlobalNode) return `the name ${node.name}`;
  if (node instanceof StorageNode || node instanceof StorageTypeNode) return "a bare storage";
  if (node instanceof NumpyDTypeNode) return "a numpy dtype";
  return node instanceof Tuple ? "a tuple" : "an object";
}
