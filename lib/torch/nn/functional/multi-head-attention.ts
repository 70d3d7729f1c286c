/** Attention with several heads, with PyTorch's parameters and masks. */
import {
  checkArgument,
  checkOptions,
  flag,
  nullable,
  positive,
  probability,
  tensor,
  type KindsOf,
} from "../../arguments";
import { TorchError } from "../../errors";
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
} from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** Options of a call of {@link multiHeadAttentionForward} and `nn.MultiheadAttention`. */
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

export const ATTENTION_CALL = {
  keyPaddingMask: nullable(tensor),
  needWeights: flag,
  attnMask: nullable(tensor),
  averageAttnWeights: flag,
  isCausal: flag,
} satisfies KindsOf<AttentionCallOptions>;

/** What a mask adds to scores: −∞ where it is true. */
function additiveMask(mask: Tensor | null | undefined, like: Tensor): Tensor | null {
  if (mask === null || mask === undefined) return null;
  if (mask.dtype !== "bool") return mask.dtype === like.dtype ? mask : mask.to(like.dtype);
  return zerosLike(mask, { dtype: like.dtype }).maskedFill(mask, -Infinity);
}

/** The parameters of an attention, and how it runs. */
export interface AttentionParameters {
  readonly numHeads: number;
  /** (3·E, E): queries, keys, values; or one each, (E, E), (E, kdim) and (E, vdim). */
  readonly inWeights: Tensor | readonly [Tensor, Tensor, Tensor];
  /** (3·E), or null. */
  readonly inBias: Tensor | null;
  /** A key to append, (1, 1, E), or null. */
  readonly biasK: Tensor | null;
  /** A value to append, (1, 1, E), or null. */
  readonly biasV: Tensor | null;
  /** Append a key and a value of zeros. */
  readonly addZeroAttn: boolean;
  /** Dropout of the weights of this call. */
  readonly dropout: number;
  /** Keys and values that are projected and split into heads already, (N · heads, S, headDim). */
  readonly staticK?: Tensor | null;
  readonly staticV?: Tensor | null;
  /** The projection of the output, (L, N, E) → (L, N, E). */
  readonly output: (x: Tensor) => Tensor;
}

function project(inputs: readonly [Tensor, Tensor, Tensor], { inWeights, inBias }: AttentionParameters): Tensor[] {
  const joined = Array.isArray(inWeights) ? null : (inWeights as Tensor);
  if (joined !== null && inputs[0] === inputs[1] && inputs[1] === inputs[2])
    return linear(inputs[0], joined, inBias).chunk(3, -1);
  const weights = joined?.chunk(3) ?? (inWeights as readonly Tensor[]);
  const biases = inBias?.chunk(3) ?? [null, null, null];
  return inputs.map((input, i) => linear(input, weights[i]!, biases[i]));
}

/**
 * The attention of queries (L, N, E) on keys (S, N, kdim) and values (S, N, vdim), or all without the batch N.
 *
 * @returns the output, like the queries, and the weights (N, L, S), (N, heads, L, S) without averaging, or null.
 */
export function attend(
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  parameters: AttentionParameters,
  options: AttentionCallOptions,
): [Tensor, Tensor | null] {
  const { needWeights = true, averageAttnWeights = true } = options;
  const { numHeads, staticK, staticV, dropout: p } = parameters;
  let isCausal = options.isCausal ?? false;
  if (isCausal && !options.attnMask)
    throw new TorchError("MultiheadAttention.forward: expected attnMask with isCausal, which is a hint only");
  const batched = query.ndim === 3;
  if (![query, key, value].every(({ ndim }) => ndim === query.ndim) || (!batched && query.ndim !== 2))
    throw new TorchError(
      `MultiheadAttention.forward: expected query, key and value of 3 dimensions, or 2 without a batch, got ${[query, key, value].map(({ shape }) => `[${shape.join(", ")}]`).join(", ")}`,
    );
  // (L, N, E) from here on; inputs that are one tensor stay one
  const arranged = new Map([query, key, value].map((input) => [input, batched ? input : input.unsqueeze(1)]));
  const inputs: [Tensor, Tensor, Tensor] = [arranged.get(query)!, arranged.get(key)!, arranged.get(value)!];
  const [length, samples, embedDim] = inputs[0].shape as [number, number, number];
  const headDim = embedDim / numHeads;

  let padding = additiveMask(options.keyPaddingMask, query);
  if (padding !== null && !batched) padding = padding.unsqueeze(0);
  let mask: Tensor | null = null;
  if (isCausal && padding === null && !needWeights) mask = null;
  else {
    mask = additiveMask(options.attnMask, query);
    isCausal = false; // the mask says it
  }
  if (mask?.ndim === 2) mask = mask.unsqueeze(0); // (1, L, S)

  let [q, k, v] = project(inputs, parameters) as [Tensor, Tensor, Tensor];
  const oneKeyMore = (): void => {
    mask = mask && constantPadNd(mask, [0, 1]);
    padding = padding && constantPadNd(padding, [0, 1]);
  };
  if (parameters.biasK !== null && parameters.biasV !== null) {
    k = cat([k, parameters.biasK.expand([1, samples, embedDim])]);
    v = cat([v, parameters.biasV.expand([1, samples, embedDim])]);
    oneKeyMore();
  }
  // (L, N, heads · headDim) → (N · heads, L, headDim)
  const split = (x: Tensor): Tensor => x.reshape([x.size(0), samples * numHeads, headDim]).transpose(0, 1);
  [q, k, v] = [split(q), staticK ?? split(k), staticV ?? split(v)];
  if (parameters.addZeroAttn) {
    const none = zeros([samples * numHeads, 1, headDim], { dtype: k.dtype, device: k.device });
    [k, v] = [cat([k, none], 1), cat([v, none], 1)];
    oneKeyMore();
  }
  const sources = k.size(1);
  if (padding !== null) {
    if (padding.shape.join() !== [samples, sources].join())
      throw new TorchError(
        `MultiheadAttention.forward: expected a keyPaddingMask of shape [${samples}, ${inputs[1].size(0)}], got [${options.keyPaddingMask!.shape.join(", ")}]`,
      );
    const ofHeads = padding
      .reshape([samples, 1, 1, sources])
      .expand([-1, numHeads, -1, -1])
      .reshape([samples * numHeads, 1, sources]);
    mask = mask === null ? ofHeads : mask.add(ofHeads);
  }

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
  output = parameters.output(output.transpose(0, 1).reshape([length, samples, embedDim]));
  return [batched ? output : output.squeeze(1), weights];
}

/** Options of {@link multiHeadAttentionForward}. */
export interface MultiHeadAttentionOptions extends AttentionCallOptions {
  /** Whether there is dropout (default true). */
  training?: boolean;
  /** The projections are `qProjWeight`, `kProjWeight` and `vProjWeight`, not `inProjWeight` (default false). */
  useSeparateProjWeight?: boolean;
  /** (E, E) */
  qProjWeight?: Tensor | null;
  /** (E, kdim) */
  kProjWeight?: Tensor | null;
  /** (E, vdim) */
  vProjWeight?: Tensor | null;
  /** Keys that are projected already, (N · heads, S, headDim). */
  staticK?: Tensor | null;
  /** Values that are projected already, (N · heads, S, headDim). */
  staticV?: Tensor | null;
}

const OPTIONS = {
  ...ATTENTION_CALL,
  training: flag,
  useSeparateProjWeight: flag,
  qProjWeight: nullable(tensor),
  kProjWeight: nullable(tensor),
  vProjWeight: nullable(tensor),
  staticK: nullable(tensor),
  staticV: nullable(tensor),
} satisfies KindsOf<MultiHeadAttentionOptions>;

/**
 * `nn.MultiheadAttention` with its parameters as arguments, in PyTorch's order: queries (L, N, E), keys (S, N, kdim), values (S, N, vdim).
 *
 * @param inProjWeight (3·E, E), or null with `useSeparateProjWeight`. The biases are null where there are none.
 * @returns the output, like `query`, and the weights (N, L, S), (N, heads, L, S) without averaging, or null.
 */
export function multiHeadAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  embedDimToCheck: number,
  numHeads: number,
  inProjWeight: Tensor | null,
  inProjBias: Tensor | null,
  biasK: Tensor | null,
  biasV: Tensor | null,
  addZeroAttn: boolean,
  dropoutP: number,
  outProjWeight: Tensor,
  outProjBias: Tensor | null,
  options: MultiHeadAttentionOptions = {},
  ...surplus: never[]
): [Tensor, Tensor | null] {
  const where = "multiHeadAttentionForward";
  for (const [name, each] of Object.entries({ query, key, value, outProjWeight }))
    checkArgument(where, name, each, tensor);
  for (const [name, each] of Object.entries({ inProjWeight, inProjBias, biasK, biasV, outProjBias }))
    checkArgument(where, name, each, nullable(tensor));
  checkArgument(where, "numHeads", numHeads, positive);
  checkArgument(where, "addZeroAttn", addZeroAttn, flag);
  checkArgument(where, "dropoutP", dropoutP, probability);
  checkOptions(where, options, OPTIONS, surplus);
  const { training = true, useSeparateProjWeight = false, staticK, staticV, ...call } = options;
  if (query.size(-1) !== embedDimToCheck || embedDimToCheck % numHeads !== 0)
    throw new TorchError(
      `${where}: expected queries of embedDimToCheck ${embedDimToCheck}, divisible by numHeads ${numHeads}, got shape [${query.shape.join(", ")}]`,
    );
  const { qProjWeight, kProjWeight, vProjWeight } = options;
  const inWeights = useSeparateProjWeight ? ([qProjWeight, kProjWeight, vProjWeight] as const) : inProjWeight;
  if (inWeights === null || (Array.isArray(inWeights) && inWeights.some((each) => !each)))
    throw new TorchError(
      `${where}: expected ${useSeparateProjWeight ? "qProjWeight, kProjWeight and vProjWeight" : "inProjWeight"}, got none`,
    );
  return attend(
    [query, key, value],
    {
      numHeads,
      inWeights: inWeights as Tensor,
      inBias: inProjBias,
      biasK,
      biasV,
      addZeroAttn,
      dropout: training ? dropoutP : 0,
      staticK,
      staticV,
      output: (x) => linear(x, outProjWeight, outProjBias),
    },
    call,
  );
}
