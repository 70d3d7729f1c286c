import { native } from "../addon";
import { TorchError } from "../errors";
import { wrap } from "../scope";
import { Tensor } from "../tensor";
import type { ParamState } from "./optimizer";

/** The parameters of one group that have a gradient, with gradients and states in the same order. */
export class Batch {
  readonly params: Tensor[] = [];
  readonly states: ParamState[] = [];
  /** Handles of the gradients, valid until the step ends. */
  readonly gradientHandles: number[] = [];
  #grads: Tensor[] | null = null;

  add(param: Tensor, gradientHandle: number, state: ParamState): void {
    this.params.push(param);
    this.gradientHandles.push(gradientHandle);
    this.states.push(state);
  }

  /** Gradients as tensors of the step's scope. Fused updates do without them. */
  get grads(): Tensor[] {
    return (this.#grads ??= this.gradientHandles.map((handle) => wrap(native.alias(handle))));
  }

  /** One state tensor of every parameter. */
  tensors(name: string): Tensor[] {
    return this.states.map((state) => {
      const value = state[name];
      if (!(value instanceof Tensor))
        throw new TorchError(
          `Optimizer state: expected a tensor for "${name}" of every parameter, got ${typeof value}`,
        );
      return value;
    });
  }

  /** The part of the batch whose entries `choose` says yes to. */
  filter(choose: (index: number) => boolean): Batch {
    const part = new Batch();
    for (const [i, param] of this.params.entries()) {
      if (choose(i)) part.add(param, this.gradientHandles[i] as number, this.states[i] as ParamState);
    }
    return part;
  }
}

/** Handles of tensors, for native calls over lists. */
export function handlesOf(tensors: readonly Tensor[]): number[] {
  return tensors.map((tensor) => tensor.handle);
}
