/** Symmetric logarithmic scale for fields that span orders of magnitude and change sign, such as vorticity. */
import type { Tensor } from "../../torch";

/** `sign(x) · log(1 + |x|)`; {@link fromLogscale} is its inverse. */
export function toLogscale(x: Tensor): Tensor {
  return x.sign().mul(x.abs().log1p());
}

/** `sign(x) · (exp(|x|) − 1)`, the inverse of {@link toLogscale}. */
export function fromLogscale(x: Tensor): Tensor {
  return x.sign().mul(x.abs().exp().sub(1));
}
