import { checkArgument, checkOptions, flag, nullable, positive, probability, tensor, type KindsOf } from "../arguments";
import { TorchError } from "../errors";
import {
  baddbmm,
  bmm,
  cat,
  constantPadNd,
  dropout,
  linear,
  scaledDotProductAttention,
  softmax,
  zeros,
  zerosLike,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
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

/** Options of a call of {@link MultiheadAttention}. */
export interface AttentionCallOptions {
  /** Keys that are left out (true), or what is added to their scores: (N, S), (S) without a batch. */
  keyPaddingMask?: Tensor | null;
  /** Give the attention weights too (default true); without them it is faster. */
  needWeights?: boolean;
  /** Pairs that are left out (true), or what is added to their scores: (L, S) or (N · heads, L, S). */
  attnMask?: Tensor | null;
  /** Average the weights over the heads (default true). */
  averageAttnWeights?: boolean;
  /** `attnMask` is the causal one, which need not be read then (default false). */
  isCausal?: boolean;
}

const CALL = {
  keyPaddingMask: nullable(tensor),
  needWeights: flag,
  attnMask: nullable(tensor),
  averageAttnWeights: flag,
  isCausal: flag,
} satisfies KindsOf<AttentionCallOptions>;

/** What a mask adds to scores: −∞ where it is true. */
export function additiveMask(mask: Tensor | null | undefined, like: Tensor): Tensor | null {
  if (mask === null || mask === undefined) return null;
  if (mask.dtype !== "bool") return mask.dtype === like.dtype ? mask : mask.to(like.dtype);
  return zerosLike(mask, { dtype: like.dtype }).maskedFill(mask, -Infinity);
}

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

  #project(inputs: readonly [Tensor, Tensor, Tensor]): Tensor[] {
    const weights = this.inProjWeight?.chunk(3) ?? [this.qProjWeight!, this.kProjWeight!, this.vProjWeight!];
    const biases = this.inProjBias?.chunk(3) ?? [null, null, null];
    if (this.inProjWeight !== null && inputs[0] === inputs[1] && inputs[1] === inputs[2])
      return linear(inputs[0], this.inProjWeight, this.inProjBias).chunk(3, -1);
    return inputs.map((input, i) => linear(input, weights[i]!, biases[i]));
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
    checkOptions("MultiheadAttention.forward", options, CALL, surplus);
    const { needWeights = true, averageAttnWeights = true } = options;
    let isCausal = options.isCausal ?? false;
    if (isCausal && !options.attnMask)
      throw new TorchError("MultiheadAttention.forward: expected attnMask with isCausal, which is a hint only");
    const batched = query.ndim === 3;
    if (![query, key, value].every(({ ndim }) => ndim === query.ndim) || (!batched && query.ndim !== 2))
      throw new TorchError(
        `MultiheadAttention.forward: expected query, key and value of 3 dimensions, or 2 without a batch, got ${[query, key, value].map(({ shape }) => `[${shape.join(", ")}]`).join(", ")}`,
      );
    // (L, N, E) from here on; inputs that are one tensor stay one, so that they are projected at once
    const arranged = new Map<Tensor, Tensor>();
    for (const input of [query, key, value])
      if (!arranged.has(input))
        arranged.set(input, batched ? (this.batchFirst ? input.transpose(0, 1) : input) : input.unsqueeze(1));
    const inputs: [Tensor, Tensor, Tensor] = [arranged.get(query)!, arranged.get(key)!, arranged.get(value)!];
    const [length, samples] = inputs[0].shape as [number, number];
    const { numHeads, headDim, embedDim } = this;

    let padding = additiveMask(options.keyPaddingMask, query);
    if (padding !== null && !batched) padding = padding.unsqueeze(0);
    let mask: Tensor | null = null;
    if (isCausal && padding === null && !needWeights) mask = null;
    else {
      mask = additiveMask(options.attnMask, query);
      isCausal = false; // the mask says it
    }
    if (mask?.ndim === 2) mask = mask.unsqueeze(0); // (1, L, S)

    let [q, k, v] = this.#project(inputs) as [Tensor, Tensor, Tensor];
    const append = (rows: (x: Tensor) => Tensor): void => {
      [k, v] = [cat([k, rows(k)]), cat([v, rows(v)])];
      mask = mask && constantPadNd(mask, [0, 1]);
      padding = padding && constantPadNd(padding, [0, 1]);
    };
    if (this.biasK !== null && this.biasV !== null) {
      const [biasK, biasV] = [this.biasK, this.biasV];
      append((x) => (x === k ? biasK : biasV).expand([1, samples, embedDim]));
    }
    // (L, N, heads · headDim) → (N · heads, L, headDim)
    const split = (x: Tensor): Tensor => x.reshape([x.size(0), samples * numHeads, headDim]).transpose(0, 1);
    [q, k, v] = [split(q), split(k), split(v)];
    if (this.addZeroAttn) {
      const none = zeros([samples * numHeads, 1, headDim], { dtype: k.dtype, device: k.device });
      [k, v] = [cat([k, none], 1), cat([v, none], 1)];
      mask = mask && constantPadNd(mask, [0, 1]);
      padding = padding && constantPadNd(padding, [0, 1]);
    }
    const sources = k.size(1);
    if (padding !== null) {
      if (padding.shape.join() !== [samples, sources].join())
        throw new TorchError(
          `MultiheadAttention.forward: expected a keyPaddingMask of shape [${samples}, ${key.size(batched && this.batchFirst ? 1 : 0)}], got [${options.keyPaddingMask!.shape.join(", ")}]`,
        );
      const ofHeads = padding
        .reshape([samples, 1, 1, sources])
        .expand([-1, numHeads, -1, -1])
        .reshape([samples * numHeads, 1, sources]);
      mask = mask === null ? ofHeads : mask.add(ofHeads);
    }

    const p = this.training ? this.dropout : 0;
    let [output, weights]: [Tensor, Tensor | null] = [q, null];
    if (needWeights) {
      const scaled = q.mul(Math.sqrt(1 / headDim));
      const scores = mask === null ? bmm(scaled, k.transpose(1, 2)) : baddbmm(mask, scaled, k.transpose(1, 2));
      weights = softmax(scores, -1);
      if (p > 0) weights = dropout(weights, p, true);
      output = bmm(weights, v);
      const ofHeads = weights.reshape([samples, numHeads, length, sources]);
      weights = averageAttnWeights ? ofHeads.mean(1) : ofHeads;
      if (!batched) weights = weights.squeeze(0);
    } else {
      const heads = (x: Tensor): Tensor => x.reshape([samples, numHeads, x.size(1), headDim]);
      // (N, heads, L, S), or (1, 1, L, S) for all
      const ofHeads = mask && (mask.size(0) === 1 ? mask.unsqueeze(0) : mask.reshape([samples, numHeads, -1, sources]));
      output = scaledDotProductAttention(heads(q), heads(k), heads(v), ofHeads, p, isCausal);
      output = output.reshape([samples * numHeads, length, headDim]);
    }
    // (N · heads, L, headDim) → (L, N, E)
    output = this.outProj.forward(output.transpose(0, 1).reshape([length, samples, embedDim]));
    if (!batched) output = output.squeeze(1);
    else if (this.batchFirst) output = output.transpose(0, 1);
    return [output, weights];
  }
}
