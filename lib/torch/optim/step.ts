/** The step count that most optimizers keep per parameter: a 0-dim float32 tensor, so that files hold what PyTorch's do. */
import { zeros } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { Batch } from "./batch";
import { increment } from "./known-values";

/** Where a group's options alone ask for steps on the parameters' device. */
export function stepsOnDevice(given: object): boolean {
  const group = given as { capturable?: unknown; fused?: unknown };
  return group.capturable === true || group.fused === true;
}

/** Step 0, on the CPU unless the group is `capturable` or `fused`. */
export function freshStep(param: Tensor, group: object, onDevice = stepsOnDevice(group)): Tensor {
  return zeros([], { dtype: "float32", device: onDevice ? param.device : "cpu" });
}

/** Adds one to every step count and returns them as numbers. */
export function advanceSteps(batch: Batch): number[] {
  return increment(batch.tensors("step"));
}
