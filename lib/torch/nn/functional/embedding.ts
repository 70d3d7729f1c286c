import { embedding as embeddingOperator } from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** Options of {@link embedding}. */
export interface EmbeddingLookupOptions {
  /** Index whose row gets no gradient; negative counts from the end. */
  paddingIdx?: number | null;
  /** Scale each row's gradient by the inverse of how often the batch holds it. */
  scaleGradByFreq?: boolean;
}

/** Rows of `weight` (numEmbeddings, embeddingDim) by index: (…) int64 → (…, embeddingDim). */
export function embedding(input: Tensor, weight: Tensor, options: EmbeddingLookupOptions = {}): Tensor {
  const { paddingIdx = null, scaleGradByFreq = false } = options;
  // The operator's own "no padding" is -1, which here would mean the last row.
  const padding = paddingIdx === null ? -1 : paddingIdx < 0 ? weight.size(0) + paddingIdx : paddingIdx;
  return embeddingOperator(weight, input, padding, scaleGradByFreq, false);
}
