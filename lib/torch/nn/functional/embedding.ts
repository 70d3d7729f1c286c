import {
  NO_OPTIONS,
  checkArgument,
  checkOptions,
  flag,
  integer,
  nullable,
  real,
  tensor,
  type KindsOf,
} from "../../arguments";
import { noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import { embedding as embeddingOperator, embeddingRenorm_ } from "../../operators.generated";
import { Tensor } from "../../tensor";

/** Options of {@link embedding}. */
export interface EmbeddingLookupOptions {
  /** Index whose row gets no gradient; negative counts from the end. */
  paddingIdx?: number | null;
  /** Rows that are looked up are first scaled down, in place, to this norm. */
  maxNorm?: number | null;
  /** Order of the norm for `maxNorm` (default 2). */
  normType?: number;
  /** Scale each row's gradient by the inverse of how often the batch holds it. */
  scaleGradByFreq?: boolean;
}

const OPTIONS = {
  paddingIdx: nullable(integer),
  maxNorm: nullable(real),
  normType: real,
  scaleGradByFreq: flag,
} satisfies KindsOf<EmbeddingLookupOptions>;

/** Rows of `weight` (numEmbeddings, embeddingDim) by index: (…) int64 → (…, embeddingDim). */
export function embedding(
  input: Tensor,
  weight: Tensor,
  options: EmbeddingLookupOptions = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  if (!(input instanceof Tensor && weight instanceof Tensor)) {
    checkArgument("embedding", "input", input, tensor);
    checkArgument("embedding", "weight", weight, tensor);
  }
  checkOptions("embedding", options, OPTIONS, surplus);
  const { paddingIdx = null, maxNorm = null, normType = 2, scaleGradByFreq = false } = options;
  const rows = weight.size(0);
  if (paddingIdx !== null && !(paddingIdx >= -rows && paddingIdx < rows))
    throw new TorchError(`embedding: expected paddingIdx within the ${rows} rows of weight, got ${paddingIdx}`);
  // The operator's own "no padding" is -1, which here would mean the last row.
  const padding = paddingIdx === null ? -1 : paddingIdx < 0 ? rows + paddingIdx : paddingIdx;
  if (maxNorm !== null) noGrad(() => embeddingRenorm_(weight, input, maxNorm, normType));
  return embeddingOperator(weight, input, padding, scaleGradByFreq, false);
}
