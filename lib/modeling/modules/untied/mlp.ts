import type { z } from "zod";
import { defineConfig, int, validateConfig } from "../../../config/schema";
import { nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { buildActivation } from "../activations";
import type { TokenSpec } from "../attention/anchor-attention/tokens";
import { MLPConfig } from "../mlp/mlp";
import { SquareWeights, UntiedLinear } from "./linear";

/** Config of {@link UntiedMLP}. */
export const UntiedMLPConfig = defineConfig("UntiedMLPConfig", {
  extra: "forbid",
  fields: {
    /** Number of types, each with weights of its own. */
    num_types: int({ ge: 1 }),
    /** The MLP of each type. */
    mlp: MLPConfig,
    /** How square weights multiply: as all others, or as release 2026.4 of the Python framework. */
    square_weights: SquareWeights.default("consistent"),
  },
});
export type UntiedMLPConfig = z.output<typeof UntiedMLPConfig>;

/** {@link MLP} with weights for each domain. Shapes: x (B, N, input_dim) → (B, N, output_dim). */
export class UntiedMLP extends nn.Module {
  readonly layers: nn.ModuleList<UntiedLinear>;
  private readonly activation: nn.Module;

  constructor(config: z.input<typeof UntiedMLPConfig>) {
    super();
    const { num_types, mlp, square_weights } = validateConfig(UntiedMLPConfig, config);
    const { input_dim, hidden_dim, output_dim, num_layers, init_weights } = mlp;
    const dims = [input_dim, ...Array<number>(num_layers + 1).fill(hidden_dim), output_dim];
    this.layers = new nn.ModuleList(
      dims.slice(1).map((output_dim, i) => {
        const linear_projection = { input_dim: dims[i]!, output_dim, init_weights };
        return new UntiedLinear({ num_types, linear_projection, square_weights });
      }),
    );
    this.activation = buildActivation(mlp.activation);
  }

  /** @param tokenSpecs as in {@link UntiedLinear.forward} */
  override forward(x: Tensor, tokenSpecs: readonly TokenSpec[]): Tensor {
    const last = this.layers.length - 1;
    [...this.layers].forEach((layer, i) => {
      x = layer.forward(x, tokenSpecs);
      if (i < last) x = this.activation.forward(x) as Tensor;
    });
    return x;
  }
}
