/** What `record.py` writes: PyTorch's calls with their arguments and results. */
import { asStrided, fromBytes, slice, view, type DType, type Tensor } from "../../lib/torch";

export interface Bytes {
  readonly at: number;
  readonly bytes: number;
}
export interface RecordedResult extends Bytes {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly reference?: number;
}
export type RecordedOutput =
  RecordedResult | { readonly list: readonly RecordedOutput[] } | { readonly value: RecordedValue };
export type RecordedValue =
  | null
  | boolean
  | string
  | { readonly tensor: number }
  | { readonly int: string }
  | { readonly float: string }
  | { readonly complex: readonly [string, string] }
  | { readonly ellipsis: true }
  | { readonly slice: readonly RecordedValue[] }
  | { readonly tuple: readonly RecordedValue[] }
  | { readonly list: readonly RecordedValue[] };
export interface RecordedCall {
  /** `add`, `Tensor.add_`, `nn.functional.relu`, `linalg.norm`, …. */
  readonly name: string;
  readonly args: readonly RecordedValue[];
  readonly kwargs: Readonly<Record<string, RecordedValue>>;
  /** Names of the parameters by position, of functions that are written in Python. */
  readonly parameters?: readonly string[];
  /** Missing where PyTorch refused the call. */
  readonly result?: RecordedOutput;
}
export interface Sample {
  /** "function", "method", "inplace", "reference", "strided" or "error". */
  readonly kind: string;
  readonly dtype: string;
  /** Why it could not be recorded. */
  readonly skipped?: string;
  /** Whether the operator takes `out`, and this sample is one to try it on. */
  readonly out: boolean;
  /** Where its bytes begin in the file of the operator. */
  readonly at: number;
  readonly calls: readonly RecordedCall[];
  readonly storages: readonly (Bytes & { readonly dtype: DType })[];
  readonly tensors: readonly {
    readonly reference: number;
    readonly storage: number;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly strides: readonly number[];
    readonly offset: number;
    readonly gradient: boolean;
  }[];
  readonly gradients?: {
    readonly of: readonly number[];
    readonly to: readonly number[];
    readonly values: readonly (RecordedResult | null)[];
  };
  readonly error?: string;
}
export interface Recording {
  readonly operator: string;
  readonly notes: readonly string[];
  readonly samples: readonly Sample[];
}

/** The bytes of one sample. */
export class SampleBytes {
  constructor(
    private readonly file: Uint8Array,
    private readonly start: number,
  ) {}

  get({ at, bytes }: Bytes): Uint8Array {
    return this.file.slice(this.start + at, this.start + at + bytes);
  }
}

/** The tensors that a sample's calls begin with, by reference; tensors that shared a storage share one here. */
export function initialTensors(sample: Sample, bytes: SampleBytes): Tensor[] {
  const storages = sample.storages.map((storage) => {
    const data = bytes.get(storage);
    return fromBytes(data, [data.length / BYTES_OF[storage.dtype]!], storage.dtype);
  });
  const tensors: Tensor[] = [];
  for (const { reference, storage, dtype, shape, strides, offset, gradient } of sample.tensors) {
    const base = storages[storage]!;
    const typed = base.dtype === dtype ? base : view(base, dtype);
    const tensor = asStrided(typed, shape, strides, offset);
    tensors[reference] = gradient ? tensor.detach().requiresGrad_() : tensor;
  }
  return tensors;
}

const BYTES_OF: Readonly<Partial<Record<string, number>>> = {
  ...Object.fromEntries(["bool", "uint8", "int8"].map((dtype) => [dtype, 1])),
  ...Object.fromEntries(["int16", "uint16", "float16", "bfloat16"].map((dtype) => [dtype, 2])),
  ...Object.fromEntries(["int32", "uint32", "float32", "complex32"].map((dtype) => [dtype, 4])),
  ...Object.fromEntries(["int64", "uint64", "float64", "complex64"].map((dtype) => [dtype, 8])),
  complex128: 16,
};

const number = (text: string) => Number(text.replace("inf", "Infinity").replace("nan", "NaN"));

/** A recorded value as JavaScript writes it: lists and tuples are arrays. */
export function fromRecorded(value: RecordedValue, tensors: readonly Tensor[]): unknown {
  if (value === null || typeof value !== "object") return value;
  if ("tensor" in value) return tensors[value.tensor];
  if ("int" in value) {
    const exact = BigInt(value.int);
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }
  if ("float" in value) return number(value.float);
  if ("complex" in value) return { re: number(value.complex[0]), im: number(value.complex[1]) };
  if ("ellipsis" in value) return "...";
  if ("slice" in value) {
    const [start, stop, step] = value.slice.map((each) => fromRecorded(each, tensors) as number | null);
    return slice(start, stop, step ?? 1);
  }
  return ("tuple" in value ? value.tuple : value.list).map((each) => fromRecorded(each, tensors));
}

/** Whether a value holds a float that JavaScript cannot tell from an integer, such as 2.0. */
export function hasIntegralFloat(value: RecordedValue): boolean {
  if (value === null || typeof value !== "object") return false;
  if ("float" in value) return Number.isInteger(number(value.float));
  if ("tuple" in value) return value.tuple.some(hasIntegralFloat);
  return "list" in value && value.list.some(hasIntegralFloat);
}
