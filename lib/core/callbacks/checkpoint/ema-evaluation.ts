import { Factory } from "../../../config/factory/factory";
import { pyFloatRepr } from "../../../config/python-format";
import { noGrad, scope, type Tensor } from "../../../torch";
import { PrefixedLogWriter } from "../../writers/prefixed-log-writer";
import type { CallbackBase, CallbackDependencies } from "../base";
import type { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

/** A hook of periodic callbacks. */
type Pass = "afterUpdate" | "afterEpoch" | "atEval";

/** A live tensor of the model and its average. */
export type AveragedTensor = readonly [live: Tensor, average: Tensor];

/** Callbacks that see the averaged weights of one factor in place of the model's, and log under `ema=<factor>/`. */
export class EmaEvaluation {
  readonly factor: number;
  readonly callbacks: readonly CallbackBase[];
  readonly #tensors: () => readonly AveragedTensor[];

  /** @param tensors The model's tensors with their averages, as they are now. */
  constructor(
    factor: number,
    configs: readonly CallBackBaseConfig[],
    dependencies: CallbackDependencies,
    tensors: () => readonly AveragedTensor[],
  ) {
    this.factor = factor;
    this.#tensors = tensors;
    const logWriter = new PrefixedLogWriter(dependencies.logWriter, `ema=${pyFloatRepr(factor)}`);
    this.callbacks = configs.map(
      (config) => new Factory().instantiate(config, { ...dependencies, logWriter }) as CallbackBase,
    );
  }

  /** Runs a hook of every callback that is due, with the averages in the model. All of them run even if one fails. */
  async run(pass: Pass, context: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
    const due = this.callbacks.filter(
      (callback): callback is PeriodicCallback =>
        callback instanceof PeriodicCallback && isDue(callback, pass, context),
    );
    if (due.length === 0) return;
    const errors: unknown[] = [];
    await this.#swapped(async () => {
      for (const callback of due) {
        try {
          await scope(async () => callback[pass](context));
        } catch (error) {
          errors.push(error);
        }
      }
    });
    if (errors.length > 0) throw errors[0];
  }

  async #swapped(work: () => Promise<void>): Promise<void> {
    await noGrad(async () =>
      scope(async () => {
        const tensors = this.#tensors();
        const live = tensors.map(([tensor]) => tensor.clone());
        try {
          for (const [tensor, average] of tensors) tensor.copy_(average);
          await work();
        } finally {
          for (const [index, [tensor]] of tensors.entries()) tensor.copy_(live[index]!);
        }
      }),
    );
  }
}

/** Whether a hook may do something. One that a callback has of its own always may. */
function isDue(
  callback: PeriodicCallback,
  pass: Pass,
  { updateCounter }: Pick<PeriodicCallbackContext, "updateCounter">,
): boolean {
  if (pass === "atEval" || callback[pass] !== PeriodicCallback.prototype[pass]) return true;
  if (pass === "afterEpoch") return callback.isEpochDue(updateCounter);
  return callback.isUpdateDue(updateCounter) || callback.isSampleDue(updateCounter);
}
