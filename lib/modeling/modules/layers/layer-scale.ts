import type { z } from "zod";
import { defineConfig, float, int, validateConfig } from "../../../config/schema";
import { full, nn } from "../../../torch";
import type { Tensor } from "../../../torch";

/** Config of {@link LayerScale}. */
export const LayerScaleConfig = defineConfig("LayerScaleConfig", {
  extra: "forbid",
  fields: {
    /** Channels, each with its factor. */
    hidden_dim: int({ ge: 1 }),
    /** Initial scale of every channel; null: no scale at all. */
    init_values: float().nullable().default(1e-5),
  },
});
export type LayerScaleConfig = z.output<typeof LayerScaleConfig>;

/** Learned scale per channel, `x · γ` (CaiT, https://arxiv.org/abs/2103.17239). Shapes: (..., D) → (..., D). */
export class LayerScale extends nn.Module {
  readonly gamma: nn.Parameter | null;

  constructor(config: z.input<typeof LayerScaleConfig>) {
    super();
    const { hidden_dim, init_values } = validateConfig(LayerScaleConfig, config);
    this.gamma = init_values === null ? null : new nn.Parameter(full([hidden_dim], init_values, { dtype: "float32" }));
  }

  override forward(x: Tensor): Tensor {
    return this.gamma === null ? x : x.mul(this.gamma);
  }
}
