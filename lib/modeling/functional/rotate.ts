import { ops } from "../../torch";
import type { Tensor } from "../../torch";

/** Cosines and sines of the angles of all channel pairs: computed once per forward, used by every block. */
export interface RopeTable {
  /** (B, N, R), float32: one entry per rotated pair, in channel order. */
  readonly cos: Tensor;
  readonly sin: Tensor;
  /** Distance between the two channels of a pair: 1 for the complex layout, F for the real one. */
  readonly pairDistance: number;
}

/** Rotates channel pairs in one pass over memory (`native/src/ops/rotary.cpp`); gradients flow to `x` and, where recorded, to the angles. */
export function rotate(x: Tensor, { cos, sin, pairDistance }: RopeTable): Tensor {
  return ops.call("noether::rotate", x, cos, sin, pairDistance) as Tensor;
}
