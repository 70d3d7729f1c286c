import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { defineConfig, int, validateConfig } from "../../../config/schema";
import { cat, nn, zeros } from "../../../torch";
import type { Tensor } from "../../../torch";
import { waveNumbers } from "./wave-numbers";

/** Config of {@link ContinuousSincosEmbed}. */
export const ContinuousSincosEmbeddingConfig = defineConfig("ContinuousSincosEmbeddingConfig", {
  extra: "forbid",
  fields: {
    /** Channels of the embedding. */
    hidden_dim: int({ ge: 1 }),
    /** Number of coordinates. */
    input_dim: int({ ge: 1 }),
    /** Longest wavelength, in units of the positions. */
    max_wavelength: int({ ge: 1 }).default(10000),
  },
});
export type ContinuousSincosEmbeddingConfig = z.output<typeof ContinuousSincosEmbeddingConfig>;

/**
 * Sine-cosine code of continuous coordinates ("Attention is all you need", https://arxiv.org/abs/1706.03762, section 3.5, for real
 * positions): per coordinate `[sin(c ω_0) … sin(c ω_{F−1}), cos(c ω_0) … cos(c ω_{F−1})]`, zeros at the end where channels are left over.
 *
 * Shapes: (N, P) or (B, N, P) → (..., hidden_dim), always float32, also under autocast.
 */
export class ContinuousSincosEmbed extends nn.Module {
  readonly omega: Tensor;
  /** The zeros at the end; part of the state dict, often of length 0. */
  readonly paddingTensor: Tensor;
  readonly config: ContinuousSincosEmbeddingConfig;

  constructor(config: z.input<typeof ContinuousSincosEmbeddingConfig>) {
    super();
    this.config = validateConfig(ContinuousSincosEmbeddingConfig, config);
    const { omega, padding } = waveNumbers("ContinuousSincosEmbed", this.config);
    this.omega = this.registerBuffer("omega", omega);
    this.paddingTensor = this.registerBuffer("paddingTensor", zeros([padding]));
  }

  override forward(coords: Tensor): Tensor {
    if (coords.size(-1) !== this.config.input_dim || (coords.ndim !== 2 && coords.ndim !== 3)) {
      throw new ValueError(
        `ContinuousSincosEmbed: coords must have shape (N, ${this.config.input_dim}) or (B, N, ${this.config.input_dim}), ` +
          `got (${coords.shape.join(", ")})`,
      );
    }
    const angles = coords.float().unsqueeze(-1).mul(this.omega); // (..., P, F)
    const embedding = cat([angles.sin(), angles.cos()], -1).flatten(-2); // (..., P·2F)
    if (this.paddingTensor.numel() === 0) return embedding;
    return cat([embedding, this.paddingTensor.expand([...coords.shape.slice(0, -1), -1])], -1); // (..., D)
  }
}
