import { cuda, getRngState, keep, setRngState, type Tensor } from "../../torch";

/** States of the default generators, in PyTorch's layout: of the CPU, and of each CUDA device. They belong to who asked for them. */
export interface RandomNumbers {
  readonly cpu: Tensor;
  /** As `torch.cuda.get_rng_state_all()` gives them; empty where CUDA is not available. */
  readonly cuda: readonly Tensor[];
}

/** The states now. */
export function currentRandomNumbers(): RandomNumbers {
  return keep({ cpu: getRngState(), cuda: cuda.getRngStateAll() });
}

/** Takes states up. Those of CUDA devices that are not here are left out, as those are that a run on the CPU has not stored. */
export function restoreRandomNumbers(numbers: RandomNumbers): void {
  setRngState(numbers.cpu);
  cuda.setRngStateAll(numbers.cuda.slice(0, cuda.deviceCount()));
}

/** Frees the states. */
export function disposeRandomNumbers(numbers: RandomNumbers | null): void {
  numbers?.cpu.dispose();
  for (const state of numbers?.cuda ?? []) state.dispose();
}
