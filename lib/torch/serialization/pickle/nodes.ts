/**
 * What the pickle machine makes: Python objects before they become JavaScript values. A dict, for instance, must have an
 * identity (the memo refers to it) before its keys tell whether it becomes an object or a `Map`.
 *
 * Everything else is in its final form already: null, booleans, strings, bytes, numbers ({@link Float} for an integral
 * float), bigints, arrays (lists), tuples, and the classes of `python-values.ts`.
 */
import { isComplex, itemSize, type DType, type Layout } from "../../dtype";
import type { QScheme } from "../python-values";

/** A dict, OrderedDict or Counter. */
export class DictNode {
  readonly keys: unknown[] = [];
  readonly values: unknown[] = [];
  /** Instance attributes of an OrderedDict. */
  attributes: DictNode | null = null;

  constructor(readonly kind: "dict" | "OrderedDict" | "Counter") {}

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

/** A class of tensors of PyTorch's first years: `torch.FloatTensor`. */
export class TensorTypeNode {
  constructor(readonly dtype: DType) {}
}

/** The bytes of a storage: a record of the file, or a part of another one. */
export class StorageNode {
  constructor(
    readonly key: string,
    /** Where it was when it was saved: `"cpu"`, `"cuda:0"`. */
    readonly location: string,
    readonly byteLength: number,
    /** The legacy format has storages that are views of others. */
    readonly part: { readonly of: StorageNode; readonly offset: number } | null = null,
  ) {}

  /** Its length in elements of the classes that it is mentioned with. */
  readonly elementCounts = new Set<number>();
  /** Bytes of the numbers that the storage holds, as far as its dtypes tell; a complex element is two numbers. */
  readonly numberSizes = new Set<number>();

  /** Notes that the bytes are elements of a dtype. */
  readAs(dtype: DType): void {
    this.numberSizes.add(itemSize(dtype) / (isComplex(dtype) ? 2 : 1));
  }
}

/** A storage as elements of a dtype (null: bytes): what tensors are built over, or a value of its own. */
export class TypedStorageNode {
  constructor(
    readonly storage: StorageNode,
    readonly dtype: DType | null,
  ) {}
}

/** Where a tensor's elements lie in a storage; offset and strides in elements. */
export interface Strided {
  readonly storage: StorageNode;
  readonly dtype: DType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Of a quantized tensor: one scale for all, or one for each index of an axis. */
export type Quantizer =
  | { readonly scheme: "per_tensor_affine"; readonly scale: number; readonly zeroPoint: number }
  | {
      readonly scheme: Extract<QScheme, "per_channel_affine" | "per_channel_affine_float_qparams">;
      readonly scales: TensorNode | readonly number[];
      readonly zeroPoints: TensorNode | readonly number[];
      readonly axis: number;
    };

/** The data of a tensor. */
export type TensorData =
  | (Strided & {
      readonly kind: "dense";
      /** PyTorch's lazy conjugate and negative bits. */
      readonly lazy: { readonly conj: boolean; readonly neg: boolean };
    })
  | (Strided & { readonly kind: "quantized"; readonly quantizer: Quantizer })
  | {
      readonly kind: "sparse";
      readonly layout: Layout;
      /** Indices and values of the COO layout; compressed indices, plain indices and values of the others. */
      readonly parts: readonly TensorNode[];
      readonly shape: readonly number[];
      readonly isCoalesced: boolean | null;
    }
  | {
      readonly kind: "meta";
      readonly dtype: DType;
      readonly shape: readonly number[];
      readonly strides: readonly number[];
    };

/** A tensor or an `nn.Parameter`. */
export class TensorNode {
  /** Python attributes that come with it. */
  attributes: unknown = null;

  constructor(
    /** Null for a tensor without elements that its state still fills (PyTorch's first years). */
    public data: TensorData | null,
    public requiresGrad: boolean,
    public isParameter: boolean,
    /** Of a tensor whose data are missing. */
    readonly dtype: DType = "float32",
  ) {}
}

/** A numpy dtype, as far as scalars need it. */
export class NumpyDTypeNode {
  byteOrder = "=";

  /** @param code kind and size: `"f8"`, `"i4"`, `"b1"`. */
  constructor(readonly code: string) {}
}
