import type { z } from "zod";
import { defineConfig, int, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { applyInitMethod, InitWeightsMode, unsupportedInit } from "../../functional/init";
import { ActivationTypes, buildActivation } from "../activations";

/** Config of {@link MLP}. */
export const MLPConfig = defineConfig("MLPConfig", {
  extra: "forbid",
  fields: {
    /** Channels of the input. */
    input_dim: int({ ge: 1 }),
    /** Channels of the output. */
    output_dim: int({ ge: 1 }),
    /** Channels of the hidden layers. */
    hidden_dim: int({ ge: 1 }),
    /** Hidden layers besides the first. */
    num_layers: int({ ge: 0 }).default(0),
    /** Between the layers. */
    activation: ActivationTypes.default("GELU"),
    /** How weights are drawn at the beginning. */
    init_weights: InitWeightsMode.default("truncnormal002"),
  },
});
export type MLPConfig = z.output<typeof MLPConfig>;

/** Multi-layer perceptron: linear, activation, `num_layers` times the same at hidden width, linear. Shapes: (..., input_dim) → (..., output_dim). */
export class MLP extends nn.Module {
  readonly mlp: nn.Sequential;
  private readonly config: MLPConfig;

  constructor(config: z.input<typeof MLPConfig>) {
    super();
    this.config = validateConfig(MLPConfig, config);
    const { input_dim, output_dim, hidden_dim, num_layers, activation } = this.config;
    const layers: nn.Module[] = [new nn.Linear(input_dim, hidden_dim), buildActivation(activation)];
    for (let i = 0; i < num_layers; i++)
      layers.push(new nn.Linear(hidden_dim, hidden_dim), buildActivation(activation));
    this.mlp = new nn.Sequential(...layers, new nn.Linear(hidden_dim, output_dim));
    this.resetParameters();
  }

  /** Draws the weights anew, as `init_weights` says ("torch": leaves them as they are). */
  resetParameters(): void {
    const { init_weights } = this.config;
    if (init_weights === "truncnormal002-identity") {
      throw unsupportedInit(this, init_weights, ["torch", "truncnormal", "truncnormal002"]);
    }
    applyInitMethod(this, this.mlp.parameters()[0]!, init_weights);
  }

  override forward(x: Tensor): Tensor {
    return this.mlp.forward(x);
  }
}
