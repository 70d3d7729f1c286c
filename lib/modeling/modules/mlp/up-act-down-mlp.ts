import type { z } from "zod";
import { bool, defineConfig, int, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { applyInitMethod, InitWeightsMode } from "../../functional/init";

/** Config of {@link UpActDownMLP}. */
export const UpActDownMLPConfig = defineConfig("UpActDownMLPConfig", {
  extra: "forbid",
  fields: {
    /** Channels of input and output. */
    input_dim: int({ ge: 1 }),
    /** Channels in between. */
    hidden_dim: int({ ge: 2 }),
    /** Linear layers have an offset. */
    bias: bool().default(true),
    /** How weights are drawn at the beginning. */
    init_weights: InitWeightsMode.default("truncnormal002"),
  },
  check(config, report) {
    if (config.hidden_dim <= config.input_dim) {
      report(`must be greater than input_dim (${config.input_dim}), got ${config.hidden_dim}`, "hidden_dim");
    }
  },
});
export type UpActDownMLPConfig = z.output<typeof UpActDownMLPConfig>;

/** The MLP of a transformer block, `W₂ GELU(W₁ x + b₁) + b₂` with a wider hidden layer. Shapes: (..., D) → (..., D). */
export class UpActDownMlp extends nn.Module {
  readonly fc1: nn.Linear;
  readonly fc2: nn.Linear;
  private readonly config: UpActDownMLPConfig;

  constructor(config: z.input<typeof UpActDownMLPConfig>) {
    super();
    this.config = validateConfig(UpActDownMLPConfig, config);
    const { input_dim, hidden_dim, bias } = this.config;
    this.fc1 = new nn.Linear(input_dim, hidden_dim, { bias });
    this.fc2 = new nn.Linear(hidden_dim, input_dim, { bias });
    this.resetParameters();
  }

  /** Draws the weights anew, as `init_weights` says ("torch": leaves them as they are). */
  resetParameters(): void {
    applyInitMethod(this, this.fc2.weight, this.config.init_weights);
  }

  override forward(x: Tensor): Tensor {
    return this.fc2.forward(nn.functional.gelu(this.fc1.forward(x)));
  }
}
