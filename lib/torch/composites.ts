/** Functions that PyTorch writes in Python over its operators. */
import {
  arrayOf,
  byPositionOrName,
  checkArgument,
  checkOptions,
  count,
  dtype as dtypeKind,
  eachDimension,
  either,
  flag,
  integer,
  isPlainObject,
  nullable,
  oneOf,
  real,
  tensor as tensorKind,
  text,
  type Kind,
  type KindsOf,
} from "./arguments";
import type { DTypeLike, Scalar } from "./dtype";
import {
  broadcastTensors as broadcast,
  cdist as cdistOperator,
  einsum as einsumOperator,
  _luWithInfo,
  meshgrid,
  nonzero as nonzeroOperator,
  norm as normOperator,
  nuclearNorm,
  stack,
  tensordot as tensordotOperator,
  _unique2,
  uniqueDim,
} from "./operators.generated";
import { TorchError } from "./errors";
import type { Tensor } from "./tensor";

const TENSORS = arrayOf(tensorKind);

/**
 * Sums of products in Einstein's notation.
 *
 * @example
 * einsum("bij,bjk->bik", a, b);
 */
export function einsum(equation: string, ...operands: Tensor[] | [readonly Tensor[]]): Tensor {
  checkArgument("einsum", "equation", equation, text);
  const list = operands.length === 1 && Array.isArray(operands[0]) ? operands[0] : operands;
  checkArgument("einsum", "operands", list, TENSORS);
  return einsumOperator(equation, list as readonly Tensor[]);
}

/** Options of {@link unique}. */
export interface UniqueOptions {
  /** Default: true. */
  readonly sorted?: boolean;
  /** Also gives, per input element, its position in the result. */
  readonly returnInverse?: boolean;
  /** Also gives how often each value occurs. */
  readonly returnCounts?: boolean;
  /** Compares whole slices along this dimension instead of single elements. */
  readonly dim?: number;
}

const UNIQUE = {
  sorted: flag,
  returnInverse: flag,
  returnCounts: flag,
  dim: nullable(integer),
} satisfies KindsOf<UniqueOptions>;

/** The distinct values of a tensor: `[values, inverse, counts]`; the last two are empty unless asked for. */
export function unique(
  x: Tensor,
  options: UniqueOptions = {},
  ...surplus: never[]
): [values: Tensor, inverse: Tensor, counts: Tensor] {
  checkArgument("unique", "x", x, tensorKind);
  checkOptions("unique", options, UNIQUE, surplus);
  const { sorted = true, returnInverse = false, returnCounts = false, dim } = options;
  return dim === undefined || dim === null
    ? _unique2(x, sorted, returnInverse, returnCounts)
    : uniqueDim(x, dim, sorted, returnInverse, returnCounts);
}

/** Views of the tensors with the shape that they broadcast to. */
export function broadcastTensors(...tensors: Tensor[] | [readonly Tensor[]]): Tensor[] {
  const list = tensors.length === 1 && Array.isArray(tensors[0]) ? (tensors[0] as Tensor[]) : (tensors as Tensor[]);
  checkArgument("broadcastTensors", "tensors", list, TENSORS);
  return broadcast(list);
}

/** The shape that the shapes broadcast to. */
export function broadcastShapes(...shapes: (readonly number[])[]): number[] {
  for (const shape of shapes) checkArgument("broadcastShapes", "shapes", shape, arrayOf(count));
  const ndim = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(ndim).fill(1);
  for (const shape of shapes) {
    shape.forEach((length, index) => {
      const at = ndim - shape.length + index;
      if (length === 1) return;
      if (result[at] !== 1 && result[at] !== length) {
        throw new RangeError(
          `broadcastShapes: expected equal lengths or 1 in dimension ${at}, got ${shapes.map((each) => `[${each.join(", ")}]`).join(" and ")}`,
        );
      }
      result[at] = length;
    });
  }
  return result;
}

/** All combinations of the tensors' elements, one per row. */
export function cartesianProd(...tensors: Tensor[]): Tensor {
  checkArgument("cartesianProd", "tensors", tensors, TENSORS);
  if (tensors.length === 1) return tensors[0]!;
  return stack(
    meshgrid(tensors, { indexing: "ij" }).map((grid) => grid.flatten()),
    1,
  );
}

/** The arguments of {@link norm} that have a default. */
export interface NormOptions {
  /** Order: a number, or "fro" (default, 2) or "nuc" (the sum of the singular values). */
  p?: Scalar | "fro" | "nuc" | null;
  /** Along which dimensions vectors (for "nuc" matrices) lie; null: all. */
  dim?: number | readonly number[] | null;
  /** Keep the dimensions with length 1 (default false). */
  keepdim?: boolean;
  /** The elements are converted first. */
  dtype?: DTypeLike | null;
  /** Where the result goes. */
  out?: Tensor | null;
}

/** What {@link norm} takes after the tensor. */
export type NormArguments =
  | [options: NormOptions]
  | [p?: NormOptions["p"], options?: Omit<NormOptions, "p">]
  | [p: NormOptions["p"] | undefined, dim: NormOptions["dim"], options?: Omit<NormOptions, "p" | "dim">]
  | [
      p: NormOptions["p"] | undefined,
      dim: NormOptions["dim"],
      keepdim?: boolean,
      options?: Pick<NormOptions, "dtype" | "out">,
    ];

/** As the operator orders them; `p` and `dim` also take what Python's function takes. */
const NORM = {
  p: nullable(either(real, oneOf("fro", "nuc"))),
  dim: nullable(eachDimension(integer)),
  keepdim: flag,
  dtype: nullable(dtypeKind),
  out: nullable(tensorKind),
} satisfies KindsOf<NormOptions>;

/** The norm of all elements, or of the vectors along `dim`: (Σ|x|ᵖ)^(1/p). Python's `torch.norm`; `linalg.vectorNorm` and `linalg.matrixNorm` follow it. */
export function norm(x: Tensor, ...given: NormArguments): Tensor {
  checkArgument("norm", "x", x, tensorKind);
  const { p, dim, keepdim = false, dtype, out } = byPositionOrName<NormOptions>("norm", NORM, given);
  const written = out ? { out } : {};
  const dims = typeof dim === "number" ? [dim] : dim;
  if (p === "nuc") {
    if (dtype) throw new TorchError('norm: expected no dtype with "nuc", which takes the elements as they are');
    return dims ? nuclearNorm(x, dims, { keepdim, ...written }) : nuclearNorm(x, { keepdim, ...written });
  }
  const order = p === "fro" || p === undefined || p === null ? 2 : p;
  if (!dims && !keepdim && !dtype && !out) return normOperator(x, order);
  const every = dims ?? x.shape.map((_, index) => index);
  return dtype
    ? normOperator(x, order, every, keepdim, { dtype, ...written })
    : normOperator(x, order, every, keepdim, written);
}

const COMPUTE_MODES: Readonly<Record<string, number | null>> = {
  use_mm_for_euclid_dist_if_necessary: null,
  use_mm_for_euclid_dist: 1,
  donot_use_mm_for_euclid_dist: 2,
};

/** The arguments of {@link cdist} that have a default. */
export interface CdistOptions {
  /** Order of the norm (default 2). */
  p?: number;
  /** Whether Euclidean distances come from a matrix product: by default where there are more than 25 rows. */
  computeMode?:
    "use_mm_for_euclid_dist_if_necessary" | "use_mm_for_euclid_dist" | "donot_use_mm_for_euclid_dist" | null;
}

const CDIST = {
  p: real,
  computeMode: nullable(oneOf(...Object.keys(COMPUTE_MODES))),
} satisfies KindsOf<CdistOptions>;

/** Distances of all pairs of rows: (…, P, M) and (…, R, M) → (…, P, R). */
export function cdist(x1: Tensor, x2: Tensor, p?: number, computeMode?: CdistOptions["computeMode"]): Tensor;
export function cdist(x1: Tensor, x2: Tensor, options: CdistOptions): Tensor;
export function cdist(x1: Tensor, x2: Tensor, ...given: unknown[]): Tensor {
  checkArgument("cdist", "x1", x1, tensorKind);
  checkArgument("cdist", "x2", x2, tensorKind);
  const { p = 2, computeMode = null } = byPositionOrName<CdistOptions>("cdist", CDIST, given);
  return cdistOperator(x1, x2, p, computeMode === null ? null : COMPUTE_MODES[computeMode]);
}

/** Dimensions of both operands that are summed over: the last of the first and the first of the second, or a list for each. */
export type TensordotDims = number | readonly [readonly number[], readonly number[]];

/** Sums of products over `dims` (default 2). */
export function tensordot(a: Tensor, b: Tensor, dims?: TensordotDims, options?: { out?: Tensor | null }): Tensor;
export function tensordot(a: Tensor, b: Tensor, options: { dims?: TensordotDims; out?: Tensor | null }): Tensor;
export function tensordot(
  a: Tensor,
  b: Tensor,
  dimsA: readonly number[],
  dimsB: readonly number[],
  options?: { out?: Tensor | null },
): Tensor;
export function tensordot(a: Tensor, b: Tensor, ...given: unknown[]): Tensor {
  checkArgument("tensordot", "a", a, tensorKind);
  checkArgument("tensordot", "b", b, tensorKind);
  const list = arrayOf(integer);
  const asPair = list.accepts(given[0]) && list.accepts(given[1]) ? [given.slice(0, 2), ...given.slice(2)] : given;
  const { dims = 2, out } = byPositionOrName<{ dims: TensordotDims; out: Tensor | null }>(
    "tensordot",
    { dims: either(count, arrayOf(eachDimension(integer), 2)), out: nullable(tensorKind) },
    asPair,
  );
  if (typeof dims === "number" && dims > Math.min(a.ndim, b.ndim))
    throw new TorchError(
      `tensordot: expected dims of at most ${Math.min(a.ndim, b.ndim)}, got ${dims} for shapes [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`,
    );
  const [ofA, ofB] =
    typeof dims === "number"
      ? [
          Array.from({ length: dims }, (_, index) => a.ndim - dims + index),
          Array.from({ length: dims }, (_, index) => index),
        ]
      : dims.map((each) => (typeof each === "number" ? [each] : each));
  return tensordotOperator(a, b, ofA!, ofB!, out ? { out } : undefined);
}

/** Where a tensor's elements are not zero: (n, dimensions), or with `asTuple` one vector of n for each dimension. */
export function nonzero(x: Tensor, options: { asTuple: true }): Tensor[];
export function nonzero(x: Tensor, options?: { asTuple?: false; out?: Tensor | null }): Tensor;
export function nonzero(
  x: Tensor,
  options: { asTuple?: boolean; out?: Tensor | null } = {},
  ...surplus: never[]
): Tensor | Tensor[] {
  checkArgument("nonzero", "x", x, tensorKind);
  checkOptions("nonzero", options, { asTuple: flag, out: nullable(tensorKind) }, surplus);
  if (options.asTuple) return nonzeroOperator(x.ndim === 0 ? x.unsqueeze(0) : x).unbind(1);
  return options.out ? nonzeroOperator(x, { out: options.out }) : nonzeroOperator(x);
}

/** Indices into a tensor's elements in a row, as one index for each dimension of `shape`, int64. */
export function unravelIndex(
  indices: Tensor,
  shape: Length | readonly Length[] | { readonly shape: Length | readonly Length[] },
): Tensor[] {
  checkArgument("unravelIndex", "indices", indices, tensorKind);
  const given = isPlainObject(shape) ? (shape as { shape: Length | readonly Length[] }).shape : shape;
  checkArgument("unravelIndex", "shape", given, eachDimension(LENGTH));
  if (indices.isFloatingPoint() || indices.isComplex() || indices.dtype === "bool")
    throw new TorchError(`unravelIndex: expected indices of an integer dtype, got ${indices.dtype}`);
  const lengths = (Array.isArray(given) ? (given as readonly Length[]) : [given as Length]).map(BigInt);
  const flat = indices.to("int64");
  let step = lengths.reduce((product, length) => product * length, 1n);
  return lengths.map((length) => {
    step = length === 0n ? 0n : step / length;
    return flat.div(step, { roundingMode: "floor" }).remainder(length);
  });
}

/** A length, which may go beyond 2⁵³. */
type Length = number | bigint;
const LENGTH: Kind = {
  text: "an integer of at least 0",
  accepts: (value) => count.accepts(value) || (typeof value === "bigint" && value >= 0n),
};

/** Options of {@link lu}. */
export interface LuOptions {
  /** Exchange rows for stability (default true). */
  pivot?: boolean;
  /** Give the state of each decomposition too, instead of an error for a singular matrix (default false). */
  getInfos?: boolean;
}

/** The LU decomposition of matrices (…, m, n) in one tensor, and the exchanged rows: Python's `torch.lu`, which `linalg.luFactor` follows. */
export function lu(
  A: Tensor,
  options: LuOptions = {},
  ...surplus: never[]
): [LU: Tensor, pivots: Tensor] | [LU: Tensor, pivots: Tensor, info: Tensor] {
  checkArgument("lu", "A", A, tensorKind);
  checkOptions("lu", options, { pivot: flag, getInfos: flag }, surplus);
  const { pivot = true, getInfos = false } = options;
  const [LU, pivots, info] = _luWithInfo(A, pivot, !getInfos);
  return getInfos ? [LU, pivots, info] : [LU, pivots];
}
