/** What Adam and its relatives have in common: options with their checks, and the running means of gradient and square. */
import { _foreachAddcmul_, _foreachLerp_, _foreachMul_ } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { type BaseOptions, type ParamGroup, Optimizer } from "./optimizer";

/** Options of Adam and its relatives; each class says which are its defaults. */
export interface AdamFamilyOptions extends BaseOptions {
  /** Decay of the running means of the gradient and of its square (for Adamax of its largest size). */
  betas: readonly [number, number];
  /** Added to the divisor. */
  eps: number;
  /** Weight decay: an L2 penalty unless it is decoupled. */
  weightDecay: number;
  /** Ascend instead of descend. */
  maximize: boolean;
  /** Ask for list operators. */
  foreach: boolean | null;
  /** Keep the step count on the parameter's device. */
  capturable: boolean;
  /** Must be false; kept for files of PyTorch. */
  differentiable: boolean;
}

/** Base of Adam and its relatives: checks the options that they share. */
export abstract class AdamFamily<O extends AdamFamilyOptions> extends Optimizer<O> {
  protected override checkGroup(group: ParamGroup<O>): void {
    super.checkGroup(group);
    this.expectRange("eps", group.eps, 0);
    this.expectRange("betas[0]", group.betas[0], 0, 1);
    this.expectRange("betas[1]", group.betas[1], 0, 1);
    this.expectRange("weightDecay", group.weightDecay, 0);
  }
}

/** Takes the gradients into their running mean `exp_avg` and that of their squares, `exp_avg_sq`; returns both. */
export function updateMoments(
  batch: Batch,
  gradients: readonly Tensor[],
  [beta1, beta2]: readonly [number, number],
): { expAvgs: Tensor[]; expAvgSqs: Tensor[] } {
  const expAvgs = batch.tensors("exp_avg");
  const expAvgSqs = batch.tensors("exp_avg_sq");
  _foreachLerp_(expAvgs, gradients, 1 - beta1);
  _foreachMul_(expAvgSqs, beta2);
  _foreachAddcmul_(expAvgSqs, gradients, gradients, 1 - beta2);
  return { expAvgs, expAvgSqs };
}
