import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { defineConfig, int, optional, validateConfig } from "../../../config/schema";
import { cat, nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { InitWeightsMode } from "../../functional/init";
import { ContinuousSincosEmbed } from "./continuous-sincos-embed";
import { LinearProjection } from "./linear-projection";

/** Config of {@link ScalarsConditioner}. */
export const ScalarsConditionerConfig = defineConfig("ScalarsConditionerConfig", {
  extra: "forbid",
  fields: {
    /** Channels of each scalar's embedding. */
    hidden_dim: int({ ge: 1 }),
    /** How many scalars there are. */
    num_scalars: int({ ge: 1 }),
    /** Width of the condition; null: 4 · hidden_dim. */
    condition_dim: optional(int({ ge: 1 })),
    /** How weights are drawn at the beginning. */
    init_weights: InitWeightsMode.default("truncnormal002"),
  },
});
export type ScalarsConditionerConfig = z.output<typeof ScalarsConditionerConfig>;

/**
 * Turns scalars such as inflow speed and angle into a condition vector for modulated blocks: each is embedded by sines and cosines and
 * goes through an MLP of its own; a shared MLP joins them.
 *
 * Shapes: S scalars of (B,) or (B, 1) → (B, condition_dim).
 */
export class ScalarsConditioner extends nn.Module {
  readonly embed: ContinuousSincosEmbed;
  readonly mlps: nn.ModuleList<nn.Sequential>;
  readonly sharedMlp: nn.Sequential;
  readonly config: ScalarsConditionerConfig;

  constructor(config: z.input<typeof ScalarsConditionerConfig>) {
    super();
    this.config = validateConfig(ScalarsConditionerConfig, config);
    const { hidden_dim, num_scalars, init_weights } = this.config;
    const condition_dim = this.config.condition_dim ?? 4 * hidden_dim;
    const linear = (input_dim: number, output_dim: number) =>
      new LinearProjection({ input_dim, output_dim, init_weights });

    this.embed = new ContinuousSincosEmbed({ hidden_dim, input_dim: 1 });
    this.mlps = new nn.ModuleList(
      Array.from({ length: num_scalars }, () => new nn.Sequential(linear(hidden_dim, hidden_dim), new nn.GELU())),
    );
    this.sharedMlp = new nn.Sequential(
      linear(hidden_dim * num_scalars, hidden_dim),
      new nn.GELU(),
      linear(hidden_dim, condition_dim),
      new nn.GELU(),
    );
  }

  override forward(...scalars: Tensor[]): Tensor {
    const count = this.config.num_scalars;
    if (scalars.length !== count) {
      throw new ValueError(`ScalarsConditioner: expected ${count} scalars, got ${scalars.length}`);
    }
    const batchSize = scalars[0]!.size(0);
    for (const { shape } of scalars) {
      if (shape[0] !== batchSize || !(shape.length === 1 || (shape.length === 2 && shape[1] === 1))) {
        throw new ValueError(
          `ScalarsConditioner: every scalar must have shape (B,) or (B, 1) with the same B, got ` +
            scalars.map((scalar) => `(${scalar.shape.join(", ")})`).join(", "),
        );
      }
    }
    const stacked = cat(
      scalars.map((scalar) => scalar.reshape([-1, 1])),
      0,
    ); // (S·B, 1)
    const embedded = this.embed.forward(stacked).chunk(count, 0); // S × (B, D)
    const features = embedded.map((e, i) => this.mlps.at(i).forward(e));
    return this.sharedMlp.forward(cat(features, -1)); // (B, C)
  }
}
