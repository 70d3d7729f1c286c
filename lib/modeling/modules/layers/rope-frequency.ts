import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { defineConfig, int, literal, validateConfig } from "../../../config/schema";
import { cat, nn } from "../../../torch";
import type { Tensor } from "../../../torch";
import { ropeComplex } from "../../functional/rope";
import type { RopeTable } from "../../functional/rotate";
import { waveNumbers } from "./wave-numbers";

/** Config of {@link RopeFrequency}. */
export const RopeFrequencyConfig = defineConfig("RopeFrequencyConfig", {
  extra: "forbid",
  fields: {
    /** Channels of one head. */
    hidden_dim: int({ ge: 1 }),
    /** Number of coordinates. */
    input_dim: int({ ge: 1 }),
    /** Longest wavelength, in units of the positions. */
    max_wavelength: int({ ge: 1 }).default(10000),
    /** Which channels form a pair, see {@link RopeTable}; a checkpoint needs the one it was trained with. */
    implementation: literal("real", "complex").default("real"),
  },
});
export type RopeFrequencyConfig = z.output<typeof RopeFrequencyConfig>;

/**
 * Angles of the rotary embedding at continuous positions: `θ = c_p · ω_k` for coordinate p and wave number k.
 *
 * Shapes: (..., P) → complex: unit numbers `exp(iθ)` (..., hidden_dim / 2), axis by axis, left-over pairs unrotated;
 * real: P tensors of angles (..., 2F). {@link table} gives either as cosines and sines, ready for the attention modules.
 */
export class RopeFrequency extends nn.Module {
  readonly omega: Tensor;
  readonly config: RopeFrequencyConfig;
  private readonly padding: number;

  constructor(config: z.input<typeof RopeFrequencyConfig>) {
    super();
    this.config = validateConfig(RopeFrequencyConfig, config);
    const { omega, padding } = waveNumbers("RopeFrequency", this.config);
    if (this.config.implementation === "complex" && padding % 2 !== 0) {
      throw new ValueError(`RopeFrequency: complex rotation needs an even hidden_dim, got ${this.config.hidden_dim}`);
    }
    this.omega = this.registerBuffer("omega", omega);
    this.padding = padding;
  }

  override forward(coords: Tensor): Tensor | Tensor[] {
    if (this.config.implementation === "complex") return ropeComplex(this.table(coords));
    const angles = this.angles(coords);
    return cat([angles, angles], -1).unbind(-2); // P × (..., 2F)
  }

  /** The rotation of (B, N, P) positions for all blocks of a forward. */
  table(coords: Tensor): RopeTable {
    let theta = this.angles(coords).flatten(-2); // (B, N, P·F)
    if (this.config.implementation === "real")
      return { cos: theta.cos(), sin: theta.sin(), pairDistance: this.omega.numel() };
    if (this.padding > 0) theta = nn.functional.pad(theta, [0, this.padding / 2]); // (B, N, d/2)
    return { cos: theta.cos(), sin: theta.sin(), pairDistance: 1 };
  }

  /** (..., P) → (..., P, F), float32. */
  private angles(coords: Tensor): Tensor {
    return coords.float().unsqueeze(-1).mul(this.omega);
  }
}
