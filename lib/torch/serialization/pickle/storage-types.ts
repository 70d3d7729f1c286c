/** PyTorch's storage and tensor classes: names for dtypes. */
import type { DType } from "../../dtype";

/** The typed storage classes that `torch.save` names; dtypes that came later lie in an `UntypedStorage`. */
export const STORAGE_TYPES = {
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
  QInt8Storage: "qint8",
  QUInt8Storage: "quint8",
  QInt32Storage: "qint32",
  QUInt4x2Storage: "quint4x2",
  QUInt2x4Storage: "quint2x4",
} as const satisfies Readonly<Record<string, DType>>;

/** Classes of tensors, as files of PyTorch's first years name them. */
export const TENSOR_TYPES = {
  FloatTensor: "float32",
  DoubleTensor: "float64",
  HalfTensor: "float16",
  BFloat16Tensor: "bfloat16",
  LongTensor: "int64",
  IntTensor: "int32",
  ShortTensor: "int16",
  CharTensor: "int8",
  ByteTensor: "uint8",
  BoolTensor: "bool",
} as const satisfies Readonly<Record<string, DType>>;

const NAMES: ReadonlyMap<DType, string> = new Map(Object.entries(STORAGE_TYPES).map(([name, dtype]) => [dtype, name]));

/** The storage class of a dtype; undefined for those that lie in untyped storages. */
export function storageTypeOf(dtype: DType): string | undefined {
  return NAMES.get(dtype);
}

/** The dtypes that a checkpoint can hold as tensors. */
export const TENSOR_DTYPES: ReadonlySet<DType> = new Set<DType>([
  ...Object.values(STORAGE_TYPES).filter((dtype) => dtype !== "quint4x2" && dtype !== "quint2x4"),
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
  "bits1x8",
  "bits2x4",
  "bits4x2",
  "bits8",
  "bits16",
]);
