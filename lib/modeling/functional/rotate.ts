import { ops } from "../../torch";
import type { Tensor } from "../../torch";
import type { RopeTable } from "./rope";

/** Rotates channel pairs in one pass over memory (`native/src/ops/rotary.cpp`); gradients flow to `x` and, where recorded, to the angles. */
export function rotate(x: Tensor, { cos, sin, pairDistance }: RopeTable): Tensor {
  return ops.call("noether::rotate", x, cos, sin, pairDistance) as Tensor;
}
