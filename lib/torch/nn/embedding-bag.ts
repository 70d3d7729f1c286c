import { checkArgument, checkOptions, count, flag, integer, nullable, oneOf, real, type KindsOf } from "../arguments";
import { noGrad } from "../autograd";
import { TorchError } from "../errors";
import { scope } from "../scope";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import { embeddingBag, type EmbeddingBagLookupOptions } from "./functional/embedding-bag";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { floatRepr, pythonRepr } from "./repr";

/** Options of {@link EmbeddingBag}. */
export interface EmbeddingBagOptions
  extends FactoryOptions, Omit<EmbeddingBagLookupOptions, "offsets" | "perSampleWeights"> {}

const OPTIONS = {
  maxNorm: nullable(real),
  normType: real,
  scaleGradByFreq: flag,
  mode: oneOf("sum", "mean", "max"),
  includeLastOffset: flag,
  paddingIdx: nullable(integer),
  ...factoryKinds,
} satisfies KindsOf<EmbeddingBagOptions>;

/** Sums, means (the default) or maxima of rows of a table: indices (B, N), or flat with offsets (B) → (B, embeddingDim). Rows start standard normal. */
export class EmbeddingBag extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly mode: "sum" | "mean" | "max";
  readonly includeLastOffset: boolean;
  readonly paddingIdx: number | null;
  /** (numEmbeddings, embeddingDim) */
  weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingBagOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("EmbeddingBag", "numEmbeddings", numEmbeddings, count);
    checkArgument("EmbeddingBag", "embeddingDim", embeddingDim, count);
    checkOptions("EmbeddingBag", options, OPTIONS, surplus);
    const paddingIdx = options.paddingIdx ?? null;
    if (paddingIdx !== null && !(paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings))
      throw new TorchError(
        `EmbeddingBag: expected paddingIdx within the ${numEmbeddings} embeddings, got ${paddingIdx}`,
      );
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.maxNorm = options.maxNorm ?? null;
    this.normType = options.normType ?? 2;
    this.scaleGradByFreq = options.scaleGradByFreq ?? false;
    this.mode = options.mode ?? "mean";
    this.includeLastOffset = options.includeLastOffset ?? false;
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? numEmbeddings + paddingIdx : paddingIdx;
    this.weight = emptyParameter([numEmbeddings, embeddingDim], options);
    this.resetParameters();
  }

  /** Standard normal rows; the padding row is zero. */
  resetParameters(): void {
    init.normal_(this.weight);
    const { paddingIdx } = this;
    if (paddingIdx !== null) noGrad(() => scope(() => void this.weight.select(0, paddingIdx).zero_()));
  }

  forward(
    input: Tensor,
    options: Pick<EmbeddingBagLookupOptions, "offsets" | "perSampleWeights"> = {},
    ...surplus: never[]
  ): Tensor {
    const { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx } = this;
    const own = { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx };
    return embeddingBag(input, this.weight, { ...options, ...own }, ...surplus);
  }

  protected override extraRepr(): string {
    const norm = this.maxNorm === null ? "" : `, max_norm=${floatRepr(this.maxNorm)}`;
    const order = this.normType === 2 ? "" : `, norm_type=${floatRepr(this.normType)}`;
    const scaled = this.scaleGradByFreq ? ", scale_grad_by_freq=True" : "";
    const padding = this.paddingIdx === null ? "" : `, padding_idx=${this.paddingIdx}`;
    return `${this.numEmbeddings}, ${this.embeddingDim}${norm}${order}${scaled}, mode=${pythonRepr(this.mode)}${padding}`;
  }
}
