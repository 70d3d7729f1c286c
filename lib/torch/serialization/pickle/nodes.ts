/**
 * What the pickle machine makes: Python objects before they become JavaScript values. A dict, for instance, must have an
 * identity (the memo refers to it) before its keys tell whether it becomes an object or a `Map`.
 *
 * Everything else is in its final form already: null, booleans, strings, bytes, numbers ({@link Float} for an integral
 * float), bigints, arrays (lists), tuples, and the classes of `python-values.ts`.
 */
import type { DType } from "../../dtype";

/** A dict, OrderedDict or Counter. */
export class DictNode {
  readonly keys: unknown[] = [];
  readonly values: unknown[] = [];
  /** Instance attributes of an OrderedDict. */
  attributes: DictNode | null = null;

  constructor(readonly ordered: boolean) {}

  set(key: unknown, value: unknown): void {
    this.keys.push(key);
    this.values.push(value);
  }

  /** Value of a string key; the last one counts. */
  get(name: string): unknown {
    const index = this.keys.lastIndexOf(name);
    return index < 0 ? undefined : this.values[index];
  }
}

/** A set. */
export class SetNode {
  readonly items: unknown[] = [];
}

/** A name of the allow-list, to be called with REDUCE or used as a value. */
export class GlobalNode {
  constructor(readonly name: string) {}
}

/** A storage class: what a record's elements are (null: bytes). */
export class StorageTypeNode {
  constructor(readonly dtype: DType | null) {}
}

/** A record `data/<key>` of the archive. */
export class StorageNode {
  constructor(
    readonly key: string,
    readonly dtype: DType | null,
    /** Where it was when it was saved: `"cpu"`, `"cuda:0"`. */
    readonly location: string,
    readonly byteLength: number,
  ) {}
}

/** A tensor over a storage; offset and strides in elements. */
export class TensorNode {
  constructor(
    readonly storage: StorageNode,
    readonly dtype: DType,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    readonly requiresGrad: boolean,
    /** PyTorch's lazy conjugate and negative bits. */
    readonly lazy: { readonly conj: boolean; readonly neg: boolean },
  ) {}
}

/** An `nn.Parameter` over a tensor. */
export class ParameterNode {
  constructor(
    readonly data: TensorNode,
    readonly requiresGrad: boolean,
  ) {}
}

/** A numpy dtype, as far as scalars need it. */
export class NumpyDTypeNode {
  byteOrder = "=";

  /** @param code kind and size: `"f8"`, `"i4"`, `"b1"`. */
  constructor(readonly code: string) {}
}

/** The result of a pickle: the object graph and the storages that it refers to. */
export interface Pickled {
  readonly root: unknown;
  readonly storages: ReadonlyMap<string, StorageNode>;
}
