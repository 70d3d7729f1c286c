import { checkArgument, checkOptions, flag, nullable, positive, probability, type KindsOf } from "../arguments";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import { ATTENTION_CALL, attend, type AttentionCallOptions } from "./functional/multi-head-attention";
import * as init from "./init";
import { Linear } from "./linear";
import { Module } from "./module";
import type { Parameter } from "./parameter";

/** Options of {@link MultiheadAttention}. */
export interface MultiheadAttentionOptions extends FactoryOptions {
  /** Dropout of the attention weights while training (default 0). */
  dropout?: number;
  /** Add learned offsets to the projections (default true). */
  bias?: boolean;
  /** Append a learned key and value (default false). */
  addBiasKv?: boolean;
  /** Append a key and a value of zeros (default false). */
  addZeroAttn?: boolean;
  /** Size of the keys (default embedDim). */
  kdim?: number | null;
  /** Size of the values (default embedDim). */
  vdim?: number | null;
  /** Inputs and outputs are (N, L, E), not (L, N, E) (default false). */
  batchFirst?: boolean;
}

const OPTIONS = {
  dropout: probability,
  bias: flag,
  addBiasKv: flag,
  addZeroAttn: flag,
  kdim: nullable(positive),
  vdim: nullable(positive),
  batchFirst: flag,
  ...factoryKinds,
} satisfies KindsOf<MultiheadAttentionOptions>;

/** Attention with several heads, with PyTorch's parameters: queries (L, N, E), keys (S, N, kdim), values (S, N, vdim). Vaswani et al. 2017, arXiv 1706.03762. */
export class MultiheadAttention extends Module {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly headDim: number;
  readonly addZeroAttn: boolean;
  readonly batchFirst: boolean;
  /** (E, E), or null where all three are of one size. */
  qProjWeight: Parameter | null = null;
  /** (E, kdim), or null. */
  kProjWeight: Parameter | null = null;
  /** (E, vdim), or null. */
  vProjWeight: Parameter | null = null;
  /** (3·E, E): queries, keys, values; or null. */
  inProjWeight: Parameter | null = null;
  /** (3·E), or null. */
  inProjBias: Parameter | null = null;
  /** (1, 1, E), or null. */
  biasK: Parameter | null = null;
  /** (1, 1, E), or null. */
  biasV: Parameter | null = null;
  readonly outProj: Linear;

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("MultiheadAttention", "embedDim", embedDim, positive);
    checkArgument("MultiheadAttention", "numHeads", numHeads, positive);
    checkOptions("MultiheadAttention", options, OPTIONS, surplus);
    if (embedDim % numHeads !== 0)
      throw new TorchError(
        `MultiheadAttention: expected embedDim divisible by numHeads, got ${embedDim} and ${numHeads} heads`,
      );
    const { bias = true, device, dtype } = options;
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = options.dropout ?? 0;
    this.kdim = options.kdim ?? embedDim;
    this.vdim = options.vdim ?? embedDim;
    this.headDim = embedDim / numHeads;
    this.addZeroAttn = options.addZeroAttn ?? false;
    this.batchFirst = options.batchFirst ?? false;
    if (this.kdim === embedDim && this.vdim === embedDim) {
      this.inProjWeight = emptyParameter([3 * embedDim, embedDim], options);
    } else {
      this.qProjWeight = emptyParameter([embedDim, embedDim], options);
      this.kProjWeight = emptyParameter([embedDim, this.kdim], options);
      this.vProjWeight = emptyParameter([embedDim, this.vdim], options);
    }
    if (bias) this.inProjBias = emptyParameter([3 * embedDim], options);
    if (options.addBiasKv) {
      this.biasK = emptyParameter([1, 1, embedDim], options);
      this.biasV = emptyParameter([1, 1, embedDim], options);
    }
    this.outProj = new Linear(embedDim, embedDim, { bias, device, dtype });
    this.resetParameters();
  }

  /** Projections uniform after Glorot & Bengio, offsets 0, appended key and value normal. The output projection's weight is Linear's. */
  resetParameters(): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight])
      if (weight !== null) init.xavierUniform_(weight);
    if (this.inProjBias !== null) {
      init.zeros_(this.inProjBias);
      init.zeros_(this.outProj.bias!);
    }
    if (this.biasK !== null) init.xavierNormal_(this.biasK);
    if (this.biasV !== null) init.xavierNormal_(this.biasV);
  }

  /**
   * @returns the output, like `query`, and the weights (N, L, S), (N, heads, L, S) without averaging, or null.
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionCallOptions = {},
    ...surplus: never[]
  ): [Tensor, Tensor | null] {
    checkOptions("MultiheadAttention.forward", options, ATTENTION_CALL, surplus);
    const swap = this.batchFirst && query.ndim === 3;
    // inputs that are one tensor stay one, so that they are projected at once
    const arranged = new Map([query, key, value].map((input) => [input, swap ? input.transpose(0, 1) : input]));
    const [output, weights] = attend(
      [arranged.get(query)!, arranged.get(key)!, arranged.get(value)!],
      {
        numHeads: this.numHeads,
        inWeights: this.inProjWeight ?? [this.qProjWeight!, this.kProjWeight!, this.vProjWeight!],
        inBias: this.inProjBias,
        biasK: this.biasK,
        biasV: this.biasV,
        addZeroAttn: this.addZeroAttn,
        dropout: this.training ? this.dropout : 0,
        output: (x) => this.outProj.forward(x),
      },
      options,
    );
    return [swap ? output.transpose(0, 1) : output, weights];
  }
}
