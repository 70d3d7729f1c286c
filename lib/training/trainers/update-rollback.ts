import { keep, noGrad, scope, type Tensor } from "../../torch";
import type { ModelBase } from "../../core/models";
import { currentRandomNumbers, disposeRandomNumbers, type RandomNumbers, restoreRandomNumbers } from "./random-numbers";

/**
 * What a forward pass changes although the weights stay: the model's buffers (running statistics of normalizations) and the
 * random numbers. An update that is skipped or fails leaves none of it.
 */
export class UpdateRollback {
  readonly #buffers = new Map<string, Tensor>();
  #random: RandomNumbers | null = null;

  /** Remembers the state before an update. */
  begin(model: ModelBase): void {
    disposeRandomNumbers(this.#random);
    this.#random = currentRandomNumbers();
    noGrad(() =>
      scope(() => {
        for (const [name, buffer] of model.namedBuffers()) {
          const saved = this.#buffers.get(name);
          if (saved !== undefined && saved.shape.join() === buffer.shape.join()) saved.copy_(buffer);
          else {
            saved?.dispose();
            this.#buffers.set(name, keep(buffer.clone()));
          }
        }
      }),
    );
  }

  /** After an update that was left out: training continues with the next batch and the next random numbers. */
  skip(model: ModelBase): void {
    noGrad(() =>
      scope(() => {
        for (const [name, buffer] of model.namedBuffers()) {
          const saved = this.#buffers.get(name);
          if (saved !== undefined) buffer.copy_(saved);
        }
      }),
    );
  }

  /** After an update that failed before the optimizer's step: as if it had not begun, so that it can be done again. */
  fail(model: ModelBase): void {
    this.skip(model);
    model.optimizerZeroGrad();
    if (this.#random !== null) restoreRandomNumbers(this.#random);
  }

  /** Frees what is remembered. */
  close(): void {
    disposeRandomNumbers(this.#random);
    this.#random = null;
    for (const buffer of this.#buffers.values()) buffer.dispose();
    this.#buffers.clear();
  }
}
