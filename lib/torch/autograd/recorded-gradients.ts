import type { Tensor } from "../tensor";
import { grad } from "./recording";

/** Gradients, null where there are none: as {@link grad}, but outputs that record nothing, or are missing, are left out. */
export function recordedGradients(
  outputs: readonly (Tensor | null)[],
  inputs: readonly Tensor[],
  seeds: readonly Tensor[] | null,
  options: { readonly retainGraph?: boolean; readonly createGraph: boolean },
): (Tensor | null)[] {
  const recorded = outputs.flatMap((output, index) => (output?.requiresGrad === true ? [index] : []));
  if (recorded.length === 0) return inputs.map(() => null);
  return grad(
    recorded.map((index) => outputs[index]!),
    inputs,
    {
      ...(seeds === null ? {} : { gradOutputs: recorded.map((index) => seeds[index]!) }),
      ...options,
      allowUnused: true,
    },
  );
}
