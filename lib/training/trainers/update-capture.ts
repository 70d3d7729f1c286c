import type { DeviceBatch } from "../../core/interfaces/data";
import { getLogger } from "../../core/logging";
import { deviceType } from "../../core/device/precision";
import type { ModelBase } from "../../core/models";
import type { OptimizerWrapper } from "../../core/optimizer";
import type { TrainerResult } from "../../core/callbacks/trainer";
import { _foreachZero_, full, keep, noGrad, type Tensor, zerosLike } from "../../torch";
import { CapturedFunction, type Recorder, storagesOf } from "../../torch/cuda/captured-function";
import { mapTensors } from "../../torch/map-tensors";
import { graphsUnavailableReason } from "../../torch/cuda/graph";
import type { GradScalerLike } from "../../torch/amp/grad-scaler";
import type { GradientStep } from "./gradient-step";
import type { UpdateResult, UpdateStep } from "./types";

/** What an {@link UpdateCapture} records. */
export interface UpdateCaptureOptions {
  readonly device: string;
  readonly gradScaler: GradScalerLike;
  readonly gradientStep: GradientStep;
  /** Whether updates with a NaN loss are left out: the loss is then read between the backward pass and the optimizer's step. */
  readonly skipsNanLoss: boolean;
  /** Forward pass and loss, under the trainer's precision. */
  readonly forward: (batch: DeviceBatch, model: ModelBase) => TrainerResult | Promise<TrainerResult>;
  /** Why updates of this trainer cannot be recorded, known before the first. */
  readonly hindrance?: string | null;
  /** Makes what records; default: CUDA graphs. */
  readonly recorder?: () => Recorder;
}

/** What a recorded pass gives. */
interface PassOutputs {
  readonly losses: Record<string, Tensor>;
  readonly outputs: Record<string, unknown> | null;
  /** Not 0 where the gradient scaler left the step out. */
  readonly overflow: Tensor | null;
}

/**
 * Updates recorded as CUDA graphs, once per shape of batch, and replayed: `trainer.capture`.
 *
 * Where nothing has to be known on the host between the passes and the optimizer's step, an update is one graph. Otherwise
 * (several passes an update, callbacks that look at gradients, `skip_nan_loss`, an optimizer that reads numbers) each pass is one, which
 * adds to gradients that stay where they are; the step is another, or runs as it is.
 *
 * The first update with a shape runs as it is, so that libraries choose their kernels and optimizers make their state. What
 * changes from update to update reaches the graph through memory: the batch, learning rates, step counts, the loss scale, and the
 * offset of the random numbers.
 */
export class UpdateCapture {
  readonly #options: UpdateCaptureOptions;
  readonly #logger = getLogger("BaseTrainer");
  readonly #rates = new Map<object, { tensor: Tensor; value: number }>();
  /** Gradients that passes add to, by parameter; null until an update has shown which parameters get one. */
  #gradients: Map<Tensor, Tensor> | null = null;
  #whole: CapturedFunction<DeviceBatch, PassOutputs> | null = null;
  #pass: CapturedFunction<DeviceBatch, PassOutputs> | null = null;
  #step: CapturedFunction<null, null> | null = null;
  #stamp: string | null = null;
  #fallBack: string | null = null;
  #current: { model: ModelBase; accumulationSteps: number } | null = null;

  constructor(options: UpdateCaptureOptions) {
    this.#options = options;
    const type = deviceType(options.device);
    const unavailable = type === "cuda" && options.recorder === undefined ? graphsUnavailableReason() : null;
    const hindrance = options.hindrance ?? unavailable;
    if (hindrance !== null) this.#giveUp(hindrance);
    else if (type !== "cuda" && options.recorder === undefined)
      this.#giveUp(`on ${type} calls of operators are less than 3 % of an update, see docs/capture.md`);
  }

  /** Why nothing is recorded any more; null while it is. */
  get fallBack(): string | null {
    return this.#fallBack;
  }

  /** Runs a pass, and with the last one of an update the optimizer's step; null: nothing has been done, and nothing is recorded. */
  async run(step: UpdateStep): Promise<UpdateResult | null> {
    const { model, accumulationSteps } = step;
    if (this.#fallBack !== null || model.isFrozen) return null;
    this.#current = { model, accumulationSteps };
    this.#checkStamp(model);
    const start = performance.now();
    let result: UpdateResult;
    try {
      result = this.#splitReason(step) === null ? this.#runWhole(step) : await this.#runSplit(step);
    } catch (error) {
      if (!(error instanceof AsynchronousStep)) throw error;
      this.#giveUp("trainStep is asynchronous");
      return null;
    }
    return { ...result, times: { forward: (performance.now() - start) / 1000, backward: 0 } };
  }

  /** Frees the graphs. */
  close(): void {
    for (const captured of [this.#whole, this.#pass, this.#step]) captured?.reset();
    for (const gradient of this.#gradients?.values() ?? []) gradient.dispose();
    for (const { tensor } of this.#rates.values()) tensor.dispose();
    this.#rates.clear();
    this.#gradients = null;
  }

  #giveUp(reason: string): void {
    if (this.#fallBack !== null) return;
    this.#fallBack = reason;
    this.#logger.warning(`capture has no effect: ${reason}`);
  }

  /** Why an update is not one graph. */
  #splitReason({ accumulationSteps, beforeOptimizerStep, model }: UpdateStep): string | null {
    if (accumulationSteps > 1) return "an update has several passes";
    if (beforeOptimizerStep != null) return "a callback looks at the gradients";
    if (this.#options.skipsNanLoss) return "skip_nan_loss reads the loss";
    return this.#stepHindrance(model);
  }

  /** What keeps the optimizers' step from being recorded. */
  #stepHindrance(model: ModelBase): string | null {
    for (const { torchOptim, weightDecaySchedule } of optimizersOf(model)) {
      const reads = torchOptim.readsOnHost === undefined ? "its optimizer reads numbers" : torchOptim.readsOnHost;
      if (reads !== null) return reads;
      if (weightDecaySchedule !== null) return "weight decay has a schedule";
      if (this.#options.gradScaler.isEnabled() && torchOptim.skipsOnDevice !== true)
        return "the optimizer has to know of overflows before its step";
    }
    return null;
  }

  // ---- an update as one graph

  #runWhole({ batch, model }: UpdateStep): UpdateResult {
    this.#whole ??= this.#captured((given: DeviceBatch) => {
      const current = this.#current!;
      const outputs = this.#forwardBackward(given);
      this.#optimizerStep(current.model);
      return { ...outputs, overflow: this.#options.gradScaler.overflow ?? null };
    });
    this.#updateRates(model);
    return this.#finish(this.#whole.call(batch));
  }

  #finish({ losses, outputs, overflow }: PassOutputs): UpdateResult {
    const own = mapTensors({ losses, outputs }, (tensor) => tensor.clone());
    // the one read of an update, and only with a gradient scaler
    const skipped = overflow !== null && overflow.item() !== 0;
    return { losses: own.losses, updateOutputs: own.outputs, skipped, times: { forward: 0, backward: 0 } };
  }

  // ---- passes, and the step by itself

  async #runSplit(step: UpdateStep): Promise<UpdateResult> {
    const { batch, model, accumulationSteps, accumulationStep } = step;
    const { gradientStep } = this.#options;
    this.#pass ??= this.#captured((given: DeviceBatch) => this.#forwardBackward(given));
    if (accumulationStep % accumulationSteps === 0) this.#presentGradients();
    const outputs = this.#gradients === null ? this.#forwardBackward(batch) : this.#pass.call(batch);
    const result = this.#finish({ ...outputs, overflow: null });
    gradientStep.note(result.losses["total"]!);
    const isLast = (accumulationStep + 1) % accumulationSteps === 0;
    if (isLast && !this.#noteGradients(model)) this.#giveUp("not every batch gives the same parameters a gradient");
    await gradientStep.finish({ ...step, step: () => this.#separateStep(step) });
    return { ...result, skipped: gradientStep.skipsUpdate };
  }

  #separateStep({ model, beforeOptimizerStep }: UpdateStep): void {
    const { gradScaler } = this.#options;
    // a callback that looks at gradients leaves their norm, or what unscaling found, for the step
    if (beforeOptimizerStep != null || gradScaler.isEnabled() || this.#stepHindrance(model) !== null) {
      model.optimizerStep(gradScaler);
      return;
    }
    this.#step ??= this.#captured(() => {
      this.#optimizerStep(this.#current!.model, false);
      return null;
    });
    this.#updateRates(model);
    this.#step.call(null);
  }

  /** Gives every parameter its own gradient, zeroed. */
  #presentGradients(): void {
    if (this.#gradients === null) return;
    const gradients = [...this.#gradients.values()];
    noGrad(() => _foreachZero_(gradients));
    this.#restoreGradients();
  }

  #restoreGradients(): void {
    for (const [parameter, gradient] of this.#gradients ?? []) parameter.grad = gradient;
  }

  /** Remembers which parameters have got a gradient; false where others have than before. */
  #noteGradients(model: ModelBase): boolean {
    const parameters = model.parameters().filter((parameter) => parameter.grad !== null);
    if (this.#gradients !== null)
      return parameters.length === this.#gradients.size && parameters.every((one) => this.#gradients!.has(one));
    this.#gradients = new Map(parameters.map((parameter) => [parameter, keep(noGrad(() => zerosLike(parameter)))]));
    return true;
  }

  // ---- what is recorded

  #forwardBackward(batch: DeviceBatch): PassOutputs {
    const { model, accumulationSteps } = this.#current!;
    const { forward, gradientStep } = this.#options;
    const result = forward(batch, model);
    if (result instanceof Promise) {
      result.catch(() => undefined);
      throw new AsynchronousStep();
    }
    gradientStep.backward({ totalLoss: result.totalLoss, model, accumulationSteps, accumulationStep: 0 });
    const losses: Record<string, Tensor> = { total: result.totalLoss.detach() };
    for (const [name, loss] of Object.entries(result.lossesToLog ?? {})) losses[name] = loss.detach();
    return {
      losses,
      outputs: (result.additionalOutputs as Record<string, unknown> | undefined) ?? null,
      overflow: null,
    };
  }

  /** The step with learning rates that lie on the device. */
  #optimizerStep(model: ModelBase, endsUpdate = true): void {
    const groups = optimizersOf(model).flatMap((optimizer) => optimizer.paramGroups);
    const values = groups.map((group) => group.lr);
    try {
      for (const group of groups) (group as { lr: unknown }).lr = this.#rates.get(group)!.tensor;
      model.optimizerStep(this.#options.gradScaler);
    } finally {
      for (const [index, group] of groups.entries()) group.lr = values[index]!;
    }
    if (endsUpdate) model.optimizerZeroGrad();
  }

  /** Writes learning rates that have changed. */
  #updateRates(model: ModelBase): void {
    for (const group of optimizersOf(model).flatMap((optimizer) => optimizer.paramGroups)) {
      const rate = this.#rates.get(group);
      const { lr } = group;
      if (rate === undefined) {
        const tensor = keep(full([], lr, { dtype: "float32", device: group.params[0]!.device }));
        this.#rates.set(group, { tensor, value: lr });
      } else if (rate.value !== lr) {
        rate.tensor.fill_(lr);
        rate.value = lr;
      }
    }
  }

  /** Starts anew where what was recorded no longer holds: other options, frozen parameters, weights that have moved. */
  #checkStamp(model: ModelBase): void {
    const groups = optimizersOf(model).flatMap((optimizer) => optimizer.paramGroups);
    const options = groups.map((group) =>
      JSON.stringify({
        ...group,
        params: null,
        lr: null,
        weightDecay: group.excludeFromWd === false ? null : group.weightDecay,
      }),
    );
    const parameters = model.parameters();
    const trained = parameters.map((parameter) => (parameter.requiresGrad ? 1 : 0));
    const stamp = `${options.join()} ${trained.join("")} ${storagesOf(parameters)}`;
    if (this.#stamp !== null && this.#stamp !== stamp) this.close();
    this.#stamp = stamp;
  }

  #captured<I, O>(run: (inputs: I) => O): CapturedFunction<I, O> {
    const { recorder } = this.#options;
    return new CapturedFunction<I, O>(run, {
      ...(recorder === undefined ? {} : { recorder }),
      onFallBack: (reason) => {
        const { gradScaler } = this.#options;
        gradScaler.forgetUpdate?.();
        this.#current?.model.optimizerZeroGrad();
        this.#restoreGradients();
        this.#giveUp(reason);
      },
    });
  }
}

/** The forward pass waits for something: other code could run in the middle of a recording. */
class AsynchronousStep extends Error {}

function optimizersOf(model: ModelBase): OptimizerWrapper[] {
  return Object.values(model.getNamedModels()).flatMap(({ optimizer }) => optimizer ?? []);
}
