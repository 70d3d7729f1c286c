import {
  checkArgument,
  checkOptions,
  flag,
  integer,
  nullable,
  oneOf,
  real,
  tensor,
  type KindsOf,
} from "../../arguments";
import { noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import { arange, embeddingBag as embeddingBagOperator, embeddingRenorm_ } from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** Options of {@link embeddingBag}. */
export interface EmbeddingBagLookupOptions {
  /** Where each bag begins in a flat list of indices: (B) int64. Indices (B, N) are B bags of N. */
  offsets?: Tensor | null;
  /** Rows that are looked up are first scaled down, in place, to this norm. */
  maxNorm?: number | null;
  /** Order of the norm for `maxNorm` (default 2). */
  normType?: number;
  /** Scale each row's gradient by the inverse of how often the batch holds it; not with `"max"`. */
  scaleGradByFreq?: boolean;
  /** How the rows of a bag become one (default `"mean"`). */
  mode?: "sum" | "mean" | "max";
  /** A factor for each index, of the indices' shape; with `"sum"` only. */
  perSampleWeights?: Tensor | null;
  /** The last of `offsets` is where the list ends (default false). */
  includeLastOffset?: boolean;
  /** Index that counts in no bag; negative counts from the end. */
  paddingIdx?: number | null;
}
const OPTIONS = {
  offsets: nullable(tensor),
  maxNorm: nullable(real),
  normType: real,
  scaleGradByFreq: flag,
  mode: oneOf("sum", "mean", "max"),
  perSampleWeights: nullable(tensor),
  includeLastOffset: flag,
  paddingIdx: nullable(integer),
} satisfies KindsOf<EmbeddingBagLookupOptions>;

const MODES = { sum: 0, mean: 1, max: 2 };

/** Sum, mean or maximum of rows of `weight` (numEmbeddings, D), bag by bag: indices (B, N), or flat with `offsets` → (B, D). */
export function embeddingBag(
  input: Tensor,
  weight: Tensor,
  options: EmbeddingBagLookupOptions = {},
  ...surplus: never[]
): Tensor {
  checkArgument("embeddingBag", "input", input, tensor);
  checkArgument("embeddingBag", "weight", weight, tensor);
  checkOptions("embeddingBag", options, OPTIONS, surplus);
  const { maxNorm = null, normType = 2, scaleGradByFreq = false, mode = "mean", includeLastOffset = false } = options;
  const { paddingIdx = null } = options;
  let { offsets = null, perSampleWeights = null } = options;
  if (perSampleWeights !== null && mode !== "sum")
    throw new TorchError(`embeddingBag: expected mode "sum" with perSampleWeights, got "${mode}"`);
  if (perSampleWeights !== null && perSampleWeights.shape.join() !== input.shape.join())
    throw new TorchError(
      `embeddingBag: expected perSampleWeights of the indices' shape [${input.shape.join(", ")}], got [${perSampleWeights.shape.join(", ")}]`,
    );
  let indices = input;
  if (input.ndim === 2) {
    if (offsets !== null)
      throw new TorchError("embeddingBag: expected no offsets with indices of two dimensions, whose rows are the bags");
    offsets = arange(0, input.numel(), input.size(1), { dtype: input.dtype, device: input.device });
    indices = input.reshape([-1]); // (B·N)
    perSampleWeights = perSampleWeights?.reshape([-1]) ?? null;
  } else if (input.ndim !== 1 || offsets === null)
    throw new TorchError(
      `embeddingBag: expected indices (B, N), or (N) with offsets (B), got shape [${input.shape.join(", ")}]`,
    );
  const rows = weight.size(0);
  if (paddingIdx !== null && !(paddingIdx >= -rows && paddingIdx < rows))
    throw new TorchError(`embeddingBag: expected paddingIdx within the ${rows} rows of weight, got ${paddingIdx}`);
  if (maxNorm !== null) noGrad(() => embeddingRenorm_(weight, indices, maxNorm, normType));
  const padding = paddingIdx !== null && paddingIdx < 0 ? rows + paddingIdx : paddingIdx;
  return embeddingBagOperator(
    weight,
    indices,
    offsets,
    scaleGradByFreq,
    MODES[mode],
    false,
    perSampleWeights,
    includeLastOffset,
    padding,
  )[0];
}
