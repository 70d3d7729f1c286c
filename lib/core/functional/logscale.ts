import type { Tensor } from "../../torch";

/** `sign(x) · log(1 + |x|)`: for fields such as vorticity that span orders of magnitude and change sign. */
export function toLogscale(x: Tensor): Tensor {
  return x.sign().mul(x.abs().log1p());
}

/** Inverse of {@link toLogscale}: `sign(y) · (exp(|y|) − 1)`, with a plain subtraction as published statistics expect. */
export function fromLogscale(y: Tensor): Tensor {
  return y.sign().mul(y.abs().exp().sub(1));
}
