import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { int, validateConfig } from "../../../config/schema";
import { full, nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { joinLayers, jointLinear } from "../../functional/joint-linear";
import { LinearProjection } from "../layers/linear-projection";
import { AttentionConfig } from "./config";
import { attention, mergeHeads } from "./heads";

/** Config of {@link TransolverAttention}. */
export const TransolverAttentionConfig = AttentionConfig.extend("TransolverAttentionConfig", {
  fields: {
    /** Number of slices G that the points are assigned to. */
    num_slices: int({ ge: 1 }).default(512),
  },
});
export type TransolverAttentionConfig = z.output<typeof TransolverAttentionConfig>;

/** Keeps a slice without points finite. */
const EPS = 1e-5;

/**
 * Physics attention (Transolver, https://arxiv.org/abs/2402.02366): every point is softly assigned to G slices,
 * `w = softmax_G(slice(x) / temperature)`; attention runs between the slice tokens `Σ_N w f / Σ_N w`; the result is read back with the same
 * weights. The cost grows linearly with the number of points. Positions enter only through `x`: `use_rope` has no meaning here.
 *
 * Shapes: x (B, N, D) → (B, N, D).
 */
export class TransolverAttention extends nn.Module {
  /** (1, H, 1, 1), starts at 0.5. */
  readonly temperature: nn.Parameter;
  readonly inProjectX: LinearProjection;
  readonly inProjectFx: LinearProjection;
  readonly inProjectSlice: LinearProjection;
  readonly q: LinearProjection;
  readonly k: LinearProjection;
  readonly v: LinearProjection;
  readonly proj: LinearProjection;
  readonly config: TransolverAttentionConfig;

  constructor(config: z.input<typeof TransolverAttentionConfig>) {
    super();
    this.config = validateConfig(TransolverAttentionConfig, config);
    const { hidden_dim, num_heads, num_slices, bias, init_weights } = this.config;
    const head_dim = hidden_dim / num_heads;
    const linear = (input_dim: number, output_dim: number, bias: boolean) =>
      new LinearProjection({ input_dim, output_dim, bias, init_weights });
    this.temperature = new nn.Parameter(full([1, num_heads, 1, 1], 0.5, { dtype: "float32" }));
    this.inProjectX = linear(hidden_dim, hidden_dim, bias);
    this.inProjectFx = linear(hidden_dim, hidden_dim, bias);
    this.inProjectSlice = linear(head_dim, num_slices, bias); // shared by the heads
    this.q = linear(head_dim, head_dim, false); // shared by the heads
    this.k = linear(head_dim, head_dim, false);
    this.v = linear(head_dim, head_dim, false);
    joinLayers(this.projections());
    this.proj = linear(hidden_dim, hidden_dim, bias);
  }

  private projections(): nn.Linear[] {
    return [this.q.linear, this.k.linear, this.v.linear];
  }

  /** @param options.attnMask boolean (B, N): false leaves a point out of every slice */
  override forward(x: Tensor, options: { attnMask?: Tensor | null } = {}): Tensor {
    refuseUnknownOptions(this, options, ["attnMask"]);
    const { tokens, weights } = this.createSlices(x, options.attnMask);
    const [q, k, v] = jointLinear(tokens, this.projections()).chunk(3, -1) as [Tensor, Tensor, Tensor]; // (B, H, G, d)
    const out = attention(q, k, v, { dropout: this.training ? this.config.dropout : 0 });
    const points = weights.matmul(out); // (B, H, N, d)
    return nn.functional.dropout(this.proj.forward(mergeHeads(points)), this.config.dropout, this.training);
  }

  /** Slice tokens (B, H, G, d) and slice weights (B, H, N, G). */
  createSlices(x: Tensor, attnMask?: Tensor | null): { tokens: Tensor; weights: Tensor } {
    const heads = [this.config.num_heads, -1];
    const values = this.inProjectFx.forward(x).unflatten(-1, heads).transpose(1, 2); // (B, H, N, d)
    const logits = this.inProjectSlice.forward(this.inProjectX.forward(x).unflatten(-1, heads)); // (B, N, H, G)
    let weights = logits.div(this.temperature.transpose(1, 2)).softmax(-1).transpose(1, 2); // (B, H, N, G)
    if (attnMask) weights = weights.mul(pointMask(this, attnMask, x));
    return { tokens: sliceTokens(weights, values), weights };
  }
}

/** Weighted mean of the point values per slice: weights (B, H, N, G), values (B, H, N, d) → (B, H, G, d). */
export function sliceTokens(weights: Tensor, values: Tensor): Tensor {
  const norm = weights.sum([2]).unsqueeze(-1); // (B, H, G, 1)
  return weights.transpose(-1, -2).matmul(values).div(norm.add(EPS));
}

/** A boolean mask of points (B, N) as (B, 1, N, 1). */
export function pointMask(module: nn.Module, mask: Tensor, x: Tensor): Tensor {
  if (mask.dtype !== "bool" || mask.ndim !== 2 || mask.size(0) !== x.size(0) || mask.size(1) !== x.size(1)) {
    throw new ValueError(
      `${module.constructor.name}: attnMask must be bool of shape (${x.size(0)}, ${x.size(1)}), ` +
        `got ${mask.dtype} of shape (${mask.shape.join(", ")})`,
    );
  }
  return mask.unsqueeze(1).unsqueeze(-1);
}

/** Options that this attention has no use for, rotary frequencies above all, would otherwise be dropped in silence. */
export function refuseUnknownOptions(module: nn.Module, options: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name) && value !== undefined && value !== null) {
      throw new ValueError(`${module.constructor.name}: expected only ${known.join(", ")}, got ${name}`);
    }
  }
}
