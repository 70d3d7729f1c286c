import { type distributed, type Tensor } from "../../torch";
import { isDistributed } from "../../core/distributed";
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
  /** Averages gradients over the processes of the run; null: there is one. */
  reducer: distributed.GradientReducer | null = null;
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
    if (!this.#nanGuard.skipsUpdate) {
      this.backward({ totalLoss, model, accumulationSteps, accumulationStep, retainGraph });
    }
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
    accumulationStep,
    retainGraph = false,
  }: Pick<BackwardPass, "totalLoss" | "model" | "accumulationSteps" | "accumulationStep" | "retainGraph">): void {
    const scaled = this.#gradScaler.scale(accumulationSteps === 1 ? totalLoss : totalLoss.div(accumulationSteps));
    const pass = (): void => scaled.backward(undefined, { retainGraph });
    if (this.reducer === null) pass();
    else reduced(this.reducer, scaled, pass, isLastPass(accumulationStep, accumulationSteps));
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
    if (!isLastPass(accumulationStep, accumulationSteps)) {
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
      const text = `these parameters got no gradient, so they are not trained: ${names.join(", ")}`;
      if (isDistributed()) getLogger("BaseTrainer").error(text);
      else getLogger("BaseTrainer").warning(text);
    }
  }
}

/** The gradients of all passes of an update are averaged together, with the last one. */
function reduced(reducer: distributed.GradientReducer, loss: Tensor, pass: () => void, isLast: boolean): void {
  const run = (): void => {
    reducer.beforeBackward([loss]);
    pass();
    reducer.afterBackward();
  };
  if (isLast) run();
  else reducer.noSync(run);
}

/** Whether a pass is the last one of its update. */
export function isLastPass(accumulationStep: number, accumulationSteps: number): boolean {
  return (accumulationStep + 1) % accumulationSteps === 0;
}
