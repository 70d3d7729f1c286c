import { ValueError } from "../../../config/python-errors";
import { arange, pow } from "../../../torch";
import type { Tensor } from "../../../torch";

/** Wave numbers of a sine-cosine code of `inputDim` coordinates in `hiddenDim` channels. */
export interface WaveNumbers {
  /** (F,) float32: `ω_k = maxWavelength^(−2k / 2F)`, the same for every coordinate. */
  readonly omega: Tensor;
  /** Channels left over at the end: `hiddenDim − inputDim · 2F`. */
  readonly padding: number;
}

/**
 * Splits the channels evenly over the coordinates, an even number each, and gives the wave numbers of one coordinate.
 *
 * @throws Error when there are fewer than two channels per coordinate
 */
export function waveNumbers(
  name: string,
  { hidden_dim, input_dim, max_wavelength }: { hidden_dim: number; input_dim: number; max_wavelength: number },
): WaveNumbers {
  const perCoordinate = 2 * Math.floor(hidden_dim / input_dim / 2);
  if (perCoordinate <= 0) {
    throw new ValueError(`${name}: hidden_dim must be at least 2 per coordinate (${2 * input_dim}), got ${hidden_dim}`);
  }
  const exponent = arange(0, perCoordinate, 2, { dtype: "float32" }).div(perCoordinate); // (F,)
  return { omega: pow(max_wavelength, exponent).reciprocal(), padding: hidden_dim - input_dim * perCoordinate };
}
