/** The step count that most optimizers keep per parameter: a 0-dim float32 tensor, so that files hold what PyTorch's do. */
import { _foreachAdd_, zeros } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";

/** Step 0, on the CPU unless the group is `capturable` or `fused`. */
export function freshStep(param: Tensor, group: { capturable?: unknown; fused?: unknown }): Tensor {
  const onDevice = group.capturable === true || group.fused === true;
  return zeros([], { dtype: "float32", device: onDevice ? param.device : "cpu" });
}

/** Adds one to every step count and returns them as numbers. */
export function advanceSteps(batch: Batch): number[] {
  const steps = batch.tensors("step");
  _foreachAdd_(steps, 1);
  return steps.map((step) => step.item());
}
