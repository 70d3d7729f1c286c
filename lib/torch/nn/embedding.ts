import { noGrad } from "../autograd";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter } from "./factory";
import { embedding } from "./functional/embedding";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";

/** Options of {@link Embedding}. */
export interface EmbeddingOptions extends FactoryOptions {
  /** Index whose row starts at zero and gets no gradient; negative counts from the end. */
  paddingIdx?: number | null;
  /** Scale each row's gradient by the inverse of how often the batch holds it (default false). */
  scaleGradByFreq?: boolean;
}

/** A table of vectors looked up by index: (…) int64 → (…, embeddingDim). Rows start standard normal. */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly scaleGradByFreq: boolean;
  /** (numEmbeddings, embeddingDim) */
  weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    super();
    const paddingIdx = options.paddingIdx ?? null;
    if (paddingIdx !== null && !(paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)) {
      throw new TorchError(`Embedding: expected paddingIdx within the ${numEmbeddings} embeddings, got ${paddingIdx}`);
    }
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? numEmbeddings + paddingIdx : paddingIdx;
    this.scaleGradByFreq = options.scaleGradByFreq ?? false;
    this.weight = emptyParameter([numEmbeddings, embeddingDim], options);
    this.resetParameters();
  }

  /** Standard normal rows; the padding row is zero. */
  resetParameters(): void {
    init.normal_(this.weight);
    const { paddingIdx, weight } = this;
    if (paddingIdx === null) return;
    noGrad(() => {
      const row = weight.select(0, paddingIdx);
      row.zero_();
      row.dispose();
    });
  }

  forward(input: Tensor): Tensor {
    return embedding(input, this.weight, { paddingIdx: this.paddingIdx, scaleGradByFreq: this.scaleGradByFreq });
  }

  protected override extraRepr(): string {
    const padding = this.paddingIdx === null ? "" : `, padding_idx=${this.paddingIdx}`;
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}`;
  }
}
