import {
  checkArgument,
  checkOptions,
  count,
  flag,
  integer,
  nullable,
  real,
  refuseSurplus,
  type KindsOf,
} from "../arguments";
import { noGrad } from "../autograd";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import { embedding } from "./functional/embedding";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { floatRepr } from "./repr";

/** Options of {@link Embedding}. */
export interface EmbeddingOptions extends FactoryOptions {
  /** Index whose row starts at zero and gets no gradient; negative counts from the end. */
  paddingIdx?: number | null;
  /** Rows that are looked up are first scaled down, in place, to this norm (default null: not at all). */
  maxNorm?: number | null;
  /** Order of the norm for `maxNorm` (default 2). */
  normType?: number;
  /** Scale each row's gradient by the inverse of how often the batch holds it (default false). */
  scaleGradByFreq?: boolean;
}

const OPTIONS = {
  paddingIdx: nullable(integer),
  maxNorm: nullable(real),
  normType: real,
  scaleGradByFreq: flag,
  ...factoryKinds,
} satisfies KindsOf<EmbeddingOptions>;

/** A table of vectors looked up by index: (…) int64 → (…, embeddingDim). Rows start standard normal. */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  /** (numEmbeddings, embeddingDim) */
  weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("Embedding", "numEmbeddings", numEmbeddings, count);
    checkArgument("Embedding", "embeddingDim", embeddingDim, count);
    checkOptions("Embedding", options, OPTIONS, surplus);
    const paddingIdx = options.paddingIdx ?? null;
    if (paddingIdx !== null && !(paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)) {
      throw new TorchError(`Embedding: expected paddingIdx within the ${numEmbeddings} embeddings, got ${paddingIdx}`);
    }
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? numEmbeddings + paddingIdx : paddingIdx;
    this.maxNorm = options.maxNorm ?? null;
    this.normType = options.normType ?? 2;
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

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Embedding.forward", surplus);
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this;
    return embedding(input, this.weight, { paddingIdx, maxNorm, normType, scaleGradByFreq });
  }

  protected override extraRepr(): string {
    const padding = this.paddingIdx === null ? "" : `, padding_idx=${this.paddingIdx}`;
    const norm = this.maxNorm === null ? "" : `, max_norm=${floatRepr(this.maxNorm)}`;
    const order = this.normType === 2 ? "" : `, norm_type=${floatRepr(this.normType)}`;
    const scaled = this.scaleGradByFreq ? ", scale_grad_by_freq=True" : "";
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}${norm}${order}${scaled}`;
  }
}
