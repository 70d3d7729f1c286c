import type { z } from "zod";
import { bool, literal, oneOf, optional, validateConfig } from "../../../config/schema";
import { full, nn, rand } from "../../../torch";
import type { Tensor } from "../../../torch";
import { joinLayers, jointLinear } from "../../functional/joint-linear";
import { LinearProjection } from "../layers/linear-projection";
import { attention, mergeHeads } from "./heads";
import { pointMask, refuseUnknownOptions, sliceTokens, TransolverAttentionConfig } from "./transolver";

/** Config of {@link TransolverPlusPlusAttention}. */
export const TransolverPlusPlusAttentionConfig = TransolverAttentionConfig.extend("TransolverPlusPlusAttentionConfig", {
  fields: {
    /** Kept for stored configs; only true is implemented. */
    use_overparameterization: bool().default(true),
    /** Temperature of each point from its features; only true is implemented. */
    use_adaptive_temperature: bool().default(true),
    /** Kept for stored configs; only the default is accepted, the temperature goes through GELU. */
    temperature_activation: optional(literal("sigmoid", "softplus", "exp")).default("softplus"),
    /** Noise on the slice logits in training; "always": also in evaluation, false: never. */
    use_gumbel_softmax: oneOf(bool(), literal("always")).default(true),
  },
  check(config, report) {
    if (!config.use_overparameterization) report("only true is implemented, got false", "use_overparameterization");
    if (!config.use_adaptive_temperature) report("only true is implemented, got false", "use_adaptive_temperature");
    if (config.temperature_activation !== "softplus") {
      report(`only the default "softplus" is accepted, got ${config.temperature_activation}`, "temperature_activation");
    }
  },
});
export type TransolverPlusPlusAttentionConfig = z.output<typeof TransolverPlusPlusAttentionConfig>;

/** Smallest temperature of a point. */
const MIN_TEMPERATURE = 0.01;
/** Machine epsilon by dtype: keeps the logarithms of the noise finite. */
const EPSILON: Readonly<Record<string, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/**
 * Physics attention with a temperature per point and Gumbel noise (Transolver++, https://arxiv.org/abs/2502.02414):
 * `τ = max(0.01, GELU(W₂ GELU(W₁ x)) + bias)`, `w = softmax_G((slice(x) + g) / τ)`; the rest as in {@link TransolverAttention}.
 *
 * The noise g is drawn in training only, so that evaluation is deterministic.
 *
 * Shapes: x (B, N, D) → (B, N, D).
 */
export class TransolverPlusPlusAttention extends nn.Module {
  /** (1, H, 1, 1), starts at 0.5: the temperature of a point whose features say nothing. */
  readonly bias: nn.Parameter;
  readonly projTemperature: nn.Sequential;
  readonly inProjectX: nn.Linear;
  readonly inProjectSlice: LinearProjection;
  readonly q: LinearProjection;
  readonly k: LinearProjection;
  readonly v: LinearProjection;
  readonly toOut: nn.Sequential;
  readonly config: TransolverPlusPlusAttentionConfig;

  constructor(config: z.input<typeof TransolverPlusPlusAttentionConfig>) {
    super();
    this.config = validateConfig(TransolverPlusPlusAttentionConfig, config);
    const { hidden_dim, num_heads, num_slices, bias, init_weights, dropout } = this.config;
    const head_dim = hidden_dim / num_heads;
    const linear = (input_dim: number, output_dim: number, withBias: boolean) =>
      new LinearProjection({ input_dim, output_dim, bias: withBias, init_weights });
    this.bias = new nn.Parameter(full([1, num_heads, 1, 1], 0.5, { dtype: "float32" }));
    this.projTemperature = new nn.Sequential(
      linear(head_dim, num_slices, bias),
      new nn.GELU(),
      linear(num_slices, 1, bias),
      new nn.GELU(),
    );
    this.inProjectX = new nn.Linear(hidden_dim, hidden_dim);
    this.inProjectSlice = linear(head_dim, num_slices, bias);
    nn.init.orthogonal_((this.inProjectSlice.project as nn.Linear).weight);
    this.q = linear(head_dim, head_dim, bias);
    this.k = linear(head_dim, head_dim, bias);
    this.v = linear(head_dim, head_dim, bias);
    joinLayers(this.projections());
    this.toOut = new nn.Sequential(linear(hidden_dim, hidden_dim, bias), new nn.Dropout(dropout));
  }

  private projections(): nn.Linear[] {
    return [this.q.linear, this.k.linear, this.v.linear];
  }

  /** @param options.attnMask boolean (B, N): false leaves a point out of every slice */
  override forward(x: Tensor, options: { attnMask?: Tensor | null } = {}): Tensor {
    refuseUnknownOptions(this, options, ["attnMask"]);
    const points = this.inProjectX.forward(x).unflatten(-1, [this.config.num_heads, -1]).transpose(1, 2); // (B, H, N, d)
    const temperature = this.projTemperature.forward(points).add(this.bias).clamp(MIN_TEMPERATURE); // (B, H, N, 1)
    const logits = this.inProjectSlice.forward(points); // (B, H, N, G)
    let weights = this.perturb(logits).div(temperature).softmax(-1); // (B, H, N, G)
    if (options.attnMask) weights = weights.mul(pointMask(this, options.attnMask, x));
    const tokens = sliceTokens(weights, points); // (B, H, G, d)
    const [q, k, v] = jointLinear(tokens, this.projections()).chunk(3, -1) as [Tensor, Tensor, Tensor]; // (B, H, G, d)
    const out = attention(q, k, v, { dropout: this.training ? this.config.dropout : 0 });
    return this.toOut.forward(mergeHeads(weights.matmul(out)));
  }

  /** Adds Gumbel noise `−log(−log u)`, `u ~ U[0, 1)`, which makes the softmax a sample of a slice. */
  private perturb(logits: Tensor): Tensor {
    const { use_gumbel_softmax } = this.config;
    if (!(use_gumbel_softmax === "always" || (use_gumbel_softmax && this.training))) return logits;
    const eps = EPSILON[logits.dtype]!;
    const uniform = rand(logits.shape, { dtype: logits.dtype, device: logits.device });
    return logits.sub(uniform.add(eps).log().neg().add(eps).log());
  }
}
