import type { Tensor } from "../../torch";
import type { ModelBase } from "../../core/models";
import type { OptimizerWrapper } from "../../core/optimizer";
import { getLogger } from "../../core/logging";
import type { GradScalerLike } from "../../torch/amp/grad-scaler";
import type { NanGuard } from "./nan-guard";

/** One backward pass of an update. */
export interface BackwardPass {
  /** 0-d, not divided by the passes. */
  readonly totalLoss: Tensor;
  readonly model: ModelBase;
  /** Passes per update. */
  readonly accumulationSteps: number;
  /** Index of this pass within the epoch. */
  readonly accumulationStep: number;
  readonly retainGraph?: boolean;
  /** Looks at the gradients of an update, by the name of the model, before they are clipped. */
  readonly beforeOptimizerStep?: BeforeOptimizerStepHook | null;
}

/** Called between the last backward pass of an update and the clipping of its gradients. */
export type BeforeOptimizerStepHook = (optimizers: Readonly<Record<string, OptimizerWrapper>>) => Promise<void>;

/** Backward passes, and with the last one of an update clipping and the optimizers' step; then the gradients are dropped. */
export class GradientStep {
  readonly #gradScaler: GradScalerLike;
  readonly #nanGuard: NanGuard;
  #unusedParametersReported = false;
  #skipsUpdate = false;

  constructor({ gradScaler, nanGuard }: { readonly gradScaler: GradScalerLike; readonly nanGuard: NanGuard }) {
    this.#gradScaler = gradScaler;
    this.#nanGuard = nanGuard;
  }

  /** Whether the update of the last pass is left out, so far or as a whole. */
  get skipsUpdate(): boolean {
    return this.#skipsUpdate;
  }

  /** Synchronous, unless a hook looks at the gradients. */
  run({
    totalLoss,
    model,
    accumulationSteps,
    accumulationStep,
    retainGraph = false,
    beforeOptimizerStep = null,
  }: BackwardPass): Promise<void> | void {
    if (model.isFrozen) {
      return;
    }
    this.note(totalLoss);
    if (!this.#nanGuard.skipsUpdate) this.backward({ totalLoss, model, accumulationSteps, retainGraph });
    return this.finish({ model, accumulationSteps, accumulationStep, beforeOptimizerStep });
  }

  /** Leaves the update out if the loss is NaN and that is wanted. */
  note(totalLoss: Tensor): void {
    this.#nanGuard.note(totalLoss);
    this.#skipsUpdate = this.#nanGuard.skipsUpdate;
  }

  /** Adds a pass to the gradients. */
  backward({
    totalLoss,
    model,
    accumulationSteps,
    retainGraph = false,
  }: Pick<BackwardPass, "totalLoss" | "model" | "accumulationSteps" | "retainGraph">): void {
    const loss = accumulationSteps === 1 ? totalLoss : totalLoss.div(accumulationSteps);
    this.#gradScaler.scale(loss).backward(undefined, { retainGraph });
    this.#reportUnusedParameters(model);
  }

  /**
   * With the last pass of an update: shows the gradients to the hook, steps the optimizers, drops the gradients.
   *
   * @param step the optimizers' step, where it is another than the model's.
   */
  finish({
    model,
    accumulationSteps,
    accumulationStep,
    beforeOptimizerStep = null,
    step = () => model.optimizerStep(this.#gradScaler),
  }: Omit<BackwardPass, "totalLoss"> & { readonly step?: () => void }): Promise<void> | void {
    if ((accumulationStep + 1) % accumulationSteps !== 0) {
      return;
    }
    if (beforeOptimizerStep === null || this.#nanGuard.skipsUpdate) {
      this.#endUpdate(model, step);
      return;
    }
    return this.#showGradients(model, beforeOptimizerStep).then(() => this.#endUpdate(model, step));
  }

  async #showGradients(model: ModelBase, hook: BeforeOptimizerStepHook): Promise<void> {
    const optimizers: Record<string, OptimizerWrapper> = {};
    for (const [name, { optimizer }] of Object.entries(model.getNamedModels())) {
      if (optimizer?.hasParamWithGrad() !== true) continue;
      optimizer.unscaleGradients(this.#gradScaler);
      optimizers[name] = optimizer;
    }
    await hook(optimizers);
  }

  #endUpdate(model: ModelBase, step: () => void): void {
    if (!this.#nanGuard.skipsUpdate) {
      step();
      this.#skipsUpdate = this.#gradScaler.foundOverflow === true;
    }
    model.optimizerZeroGrad();
    this.#nanGuard.endUpdate();
  }

  #reportUnusedParameters(model: ModelBase): void {
    if (this.#unusedParametersReported) {
      return;
    }
    this.#unusedParametersReported = true;
    const names = model.nogradParamnames;
    if (names.length > 0) {
      getLogger("BaseTrainer").warning(
        `these parameters got no gradient, so they are not trained: ${names.join(", ")}`,
      );
    }
  }
}
