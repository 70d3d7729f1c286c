import type { z } from "zod";
import { bool, defineConfig, int, optional, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { initTruncNormalZeroBias, InitWeightsMode, unsupportedInit } from "../../functional/init";

/** Config of {@link LinearProjection}. */
export const LinearProjectionConfig = defineConfig("LinearProjectionConfig", {
  extra: "forbid",
  fields: {
    /** Channels of the input. */
    input_dim: int({ ge: 1 }),
    /** Channels of the output. */
    output_dim: int({ ge: 1 }),
    /** null: linear over the last dim; 1, 2, 3: convolution with kernel 1, channels at dim 1. */
    ndim: optional(int({ ge: 1, le: 3 })),
    /** Adds an offset. */
    bias: bool().default(true),
    /** Identity without parameters when both dims are equal. */
    optional: bool().default(false),
    /** How weights are drawn at the beginning. */
    init_weights: InitWeightsMode.default("torch"),
  },
});
export type LinearProjectionConfig = z.output<typeof LinearProjectionConfig>;

/**
 * Linear map of the channels, `y = x Wᵀ + b`, with a choice of initialisation; also as a convolution with kernel 1 for data on grids.
 *
 * Shapes: (..., input_dim) → (..., output_dim); with `ndim` (B, input_dim, *) → (B, output_dim, *).
 */
export class LinearProjection extends nn.Module {
  readonly project: nn.Module;
  private readonly config: LinearProjectionConfig;

  constructor(config: z.input<typeof LinearProjectionConfig>) {
    super();
    this.config = validateConfig(LinearProjectionConfig, config);
    const { input_dim, output_dim, ndim, bias, optional } = this.config;
    if (optional && input_dim === output_dim) this.project = new nn.Identity();
    else if (ndim === null) this.project = new nn.Linear(input_dim, output_dim, { bias });
    else this.project = new [nn.Conv1d, nn.Conv2d, nn.Conv3d][ndim - 1]!(input_dim, output_dim, 1, { bias });
    this.resetParameters();
  }

  /** Draws the parameters anew, as the config's `init_weights` says ("torch": leaves them as they are). */
  resetParameters(): void {
    const { init_weights } = this.config;
    if (init_weights === "torch" || this.project instanceof nn.Identity) return;
    if (init_weights === "truncnormal" || init_weights === "truncnormal002") {
      initTruncNormalZeroBias(this.project);
    } else if (init_weights === "zeros") {
      for (const parameter of this.project.parameters()) nn.init.zeros_(parameter);
    } else {
      throw unsupportedInit(this, init_weights, ["torch", "truncnormal", "truncnormal002", "zeros"]);
    }
  }

  /** The linear layer itself. @throws TypeError when it is a convolution or the identity */
  get linear(): nn.Linear {
    if (this.project instanceof nn.Linear) return this.project;
    throw new TypeError(`LinearProjection: expected a linear layer, got ${this.project.constructor.name}`);
  }

  override forward(x: Tensor): Tensor {
    return this.project.forward(x) as Tensor;
  }
}
