/** Second step of reading: the machine's nodes become JavaScript values, shared ones once. */
import { keep } from "../../scope";
import type { Tensor } from "../../tensor";
import { CheckpointError, unsupported } from "../errors";
import {
  ComplexNumber,
  Counter,
  Float,
  OrderedDict,
  TorchDevice,
  TorchDType,
  TorchLayout,
  TorchQScheme,
  TypedStorage,
  markFloatEntry,
  markFloatKey,
  setAttributes,
} from "../python-values";
import {
  DictNode,
  GlobalNode,
  NumpyDTypeNode,
  SetNode,
  StorageTypeNode,
  TensorNode,
  TensorTypeNode,
  TypedStorageNode,
} from "./nodes";

/** The deepest nesting that is read or written; Python's own pickler gives up at about the same depth. */
export const MAX_DEPTH = 1000;

/** Makes the tensors; one call per tensor of the file. */
export interface TensorFactory {
  tensor(node: TensorNode): Tensor;
  /** All elements of a bare storage. */
  storage(node: TypedStorageNode): Tensor;
}

/** The value of a pickle. */
export function materialize(root: unknown, tensors: TensorFactory): unknown {
  return new Materializer(tensors).value(root, 0);
}

/** Values that the machine makes in their final form. */
const FINAL = [Uint8Array, ComplexNumber, TorchDType, TorchDevice, TorchLayout, TorchQScheme] as const;

class Materializer {
  /** Values by node: what is shared in the file is shared here. */
  private readonly done = new Map<object, unknown>();

  constructor(private readonly tensors: TensorFactory) {}

  value(node: unknown, depth: number): unknown {
    if (node instanceof Float) return node.value;
    if (typeof node !== "object" || node === null) return node;
    if (FINAL.some((kind) => node instanceof kind)) return node;
    if (this.done.has(node)) return this.done.get(node);
    if (depth > MAX_DEPTH)
      throw new CheckpointError(`expected values nested at most ${MAX_DEPTH} deep, got deeper ones`);
    if (Array.isArray(node)) return this.array(node, depth);
    if (node instanceof DictNode) return this.dict(node, depth);
    if (node instanceof SetNode) return this.set(node, depth);
    if (node instanceof TensorNode) return this.tensor(node, depth);
    if (node instanceof TypedStorageNode) return this.storage(node);
    throw unsupported(`${nameOf(node)} as a value`, "save its name as a string");
  }

  private tensor(node: TensorNode, depth: number): Tensor {
    const tensor = this.tensors.tensor(node);
    this.done.set(node, tensor);
    const attributes = this.value(node.attributes, depth + 1);
    if (hasEntries(attributes)) setAttributes(tensor, keep(attributes));
    return tensor;
  }

  private storage(node: TypedStorageNode): TypedStorage {
    const storage = new TypedStorage(this.tensors.storage(node));
    this.done.set(node, storage);
    return storage;
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
    if (node.kind === "dict" && node.keys.every(keepsItsPlace)) return this.object(node, depth);
    const map: Map<unknown, unknown> = new MAPS[node.kind]();
    this.done.set(node, map);
    for (const [name, i] of this.lastOfEach(node, depth)) {
      if (node.keys[i] instanceof Float) markFloatKey(map, name);
      if (node.values[i] instanceof Float) markFloatEntry(map, name);
      map.set(name, this.value(node.values[i], depth + 1));
    }
    if (map instanceof OrderedDict && node.attributes !== null) {
      // scopes do not look into the attributes of a dict
      const attributes = keep(this.value(node.attributes, depth + 1));
      map.attributes = (attributes instanceof Map ? Object.fromEntries(attributes) : attributes) as Record<
        string,
        unknown
      >;
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

const MAPS: Readonly<Record<DictNode["kind"], new () => Map<unknown, unknown>>> = {
  dict: Map,
  OrderedDict,
  Counter: Counter as new () => Map<unknown, unknown>,
};

/** A key that a plain object holds like a dict does: JavaScript sorts integer-like names to the front, and `__proto__` is not a name. */
function keepsItsPlace(key: unknown): boolean {
  return typeof key === "string" && key !== "__proto__" && !/^(0|[1-9]\d{0,9})$/.test(key);
}

/** An empty dict of attributes is what most tensors have. */
function hasEntries(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

function nameOf(node: object): string {
  if (node instanceof GlobalNode) return `the class or function ${node.name}`;
  if (node instanceof StorageTypeNode) return "a class of storages";
  if (node instanceof TensorTypeNode) return `the class of ${node.dtype} tensors`;
  return node instanceof NumpyDTypeNode ? `the numpy dtype ${node.code}` : "an object";
}
