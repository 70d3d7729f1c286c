import type { z } from "zod";
import { bool, defineConfig, float, validateConfig } from "../../../config/schema";
import { empty, nn } from "../../../torch";
import type { Tensor } from "../../../torch";

/** Config of {@link UnquantizedDropPath}. */
export const UnquantizedDropPathConfig = defineConfig("UnquantizedDropPathConfig", {
  extra: "forbid",
  fields: {
    /** Share of the samples whose path is left out in training. */
    drop_prob: float({ ge: 0, le: 1 }).default(0),
    /** Divide what is kept by the probability of keeping, so that the expectation stays. */
    scale_by_keep: bool().default(true),
  },
});
export type UnquantizedDropPathConfig = z.output<typeof UnquantizedDropPathConfig>;

/**
 * Stochastic depth (https://arxiv.org/abs/1603.09382): in training, each sample's residual branch is dropped as a whole with
 * probability `drop_prob`. Shapes: (B, ...) → (B, ...).
 */
export class UnquantizedDropPath extends nn.Module {
  readonly config: UnquantizedDropPathConfig;

  constructor(config: z.input<typeof UnquantizedDropPathConfig> = {}) {
    super();
    this.config = validateConfig(UnquantizedDropPathConfig, config);
  }

  /** Probability that a sample's branch stays. */
  get keepProb(): number {
    return 1 - this.config.drop_prob;
  }

  override forward(x: Tensor): Tensor {
    if (this.config.drop_prob === 0 || !this.training) return x;
    const mask = empty([x.size(0), ...x.shape.slice(1).map(() => 1)], { dtype: x.dtype, device: x.device }); // (B, 1, …, 1)
    mask.bernoulli_(this.keepProb);
    if (this.keepProb > 0 && this.config.scale_by_keep) mask.div_(this.keepProb);
    return x.mul(mask);
  }

  override extraRepr(): string {
    return `drop_prob=${this.config.drop_prob.toFixed(2)}`;
  }
}
