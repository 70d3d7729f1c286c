import type { z } from "zod";
import type { Tensor } from "../../../torch";
import { applyInitMethod } from "../../functional/init";
import type { TokenSpec } from "../attention/anchor-attention/tokens";
import { CrossAttention } from "../attention/perceiver";
import type { PerceiverAttentionConfig, PerceiverAttentionOptions } from "../attention/perceiver";
import { UntiedLinear } from "./linear";
import type { SquareWeights } from "./linear";

/**
 * {@link PerceiverAttention} with projections of queries and outputs for each domain; keys and values are shared.
 *
 * Shapes: q (B, N, D), kv (B, M, kv_dim) → (B, N, D).
 */
export class UntiedPerceiverAttention extends CrossAttention {
  readonly q: UntiedLinear;
  readonly proj: UntiedLinear;

  constructor(
    config: z.input<typeof PerceiverAttentionConfig>,
    numTypes: number,
    squareWeights: SquareWeights = "consistent",
  ) {
    super(config);
    const { hidden_dim, bias, init_weights } = this.config;
    const linear_projection = { input_dim: hidden_dim, output_dim: hidden_dim, bias, init_weights };
    const linear = () => new UntiedLinear({ num_types: numTypes, linear_projection, square_weights: squareWeights });
    applyInitMethod(this, this.k.weight, init_weights);
    this.q = linear();
    this.proj = linear();
  }

  /** @param options.tokenSpecs as in {@link UntiedLinear.forward}, of the queries */
  override forward(
    q: Tensor,
    options: PerceiverAttentionOptions & { readonly tokenSpecs: readonly TokenSpec[] },
  ): Tensor {
    const { tokenSpecs } = options;
    return this.drop(this.proj.forward(this.attend(this.q.forward(q, tokenSpecs), options), tokenSpecs));
  }
}
