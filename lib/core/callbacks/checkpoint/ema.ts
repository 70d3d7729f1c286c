import type { z } from "zod";
import { KeyError, RuntimeError, ValueError } from "../../../config/python-errors";
import { pyFloatRepr } from "../../../config/python-format";
import { register } from "../../../config/registry";
import { bool, float, list, optional, registered, str, tag, type FieldType } from "../../../config/schema";
import { _foreachAdd_, _foreachMul_, Float, keep, nn, noGrad, scope, type Tensor, toMap } from "../../../torch";
import { CheckpointKeys } from "../../checkpoint-keys";
import { isRank0 } from "../../distributed";
import { TrainingIteration } from "../../iteration/training-iteration";
import type { UpdateCounter } from "../../iteration/update-counter";
import { ModelBase } from "../../models/base";
import type { PathProvider } from "../../providers/path";
import { toCurrentState } from "../../release-1.1";
import { selectWithPath } from "../../models/select-with-path";
import { CheckpointFolder } from "../../writers/checkpoint-folder";
import { checkpointFileName } from "../../writers/checkpoint-writer";
import { readTorchFile } from "../../writers/torch-file";
import {
  buildCallbackStateDict,
  type CallbackBase,
  type CallbackDependencies,
  type CallbackState,
  loadCallbackStateDicts,
} from "../base";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext, type UpdateTimes } from "../periodic";
import { entryOf } from "../state";
import { type AveragedTensor, EmaEvaluation } from "./ema-evaluation";

/** Averaged weights of one (sub)model, for each factor. */
interface Average {
  readonly path: string | null;
  readonly factors: Map<number, Map<string, Tensor>>;
  readonly buffers: Map<string, Tensor>;
}

/** Config of {@link EmaCallback}. */
export const EmaCallbackConfig = CallBackBaseConfig.extend("EmaCallbackConfig", {
  fields: {
    name: tag("EmaCallback"),
    /** How much of the average stays at each update; one average for each. */
    target_factors: list(float()),
    /** Submodels to average, by their path; null: the whole model. */
    model_paths: optional(list(str().nullable())),
    /** Under the tag of the iteration. */
    save_weights: bool().default(true),
    /** At the end of training, under `last`. */
    save_last_weights: bool().default(true),
    /** Under `latest`. */
    save_latest_weights: bool().default(false),
    /** Callbacks that run under the averaged weights, once for each factor; what they log is called `ema=<factor>/…`. */
    eval_callbacks: optional(list(registered(CallBackBaseConfig, { withoutKind: null }))),
  },
});
export type EmaCallbackConfig = z.output<typeof EmaCallbackConfig>;

/**
 * Keeps exponential moving averages of the weights, `ema <- ema * factor + weight * (1 - factor)` after every update, and
 * writes them as checkpoints `{model}_ema={factor}_cp={tag}_model.th`. Buffers are copied, not averaged. Callbacks inside of it
 * (`eval_callbacks`) evaluate the averages.
 */
export class EmaCallback extends PeriodicCallback {
  static readonly schema: FieldType = EmaCallbackConfig;
  readonly modelPaths: readonly (string | null)[];
  readonly targetFactors: readonly number[];
  readonly saveWeights: boolean;
  readonly saveLastWeights: boolean;
  readonly saveLatestWeights: boolean;
  wasResumed = false;
  readonly #averages: Average[] = [];
  readonly #evaluations: readonly EmaEvaluation[];

  constructor(config: EmaCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.modelPaths = config.model_paths === null || config.model_paths.length === 0 ? [null] : config.model_paths;
    this.targetFactors = config.target_factors;
    this.saveWeights = config.save_weights;
    this.saveLastWeights = config.save_last_weights;
    this.saveLatestWeights = config.save_latest_weights;
    const children = config.eval_callbacks ?? [];
    this.#evaluations =
      children.length === 0
        ? []
        : this.targetFactors.map(
            (factor) => new EmaEvaluation(factor, children, dependencies, () => this.#averagedTensors(factor)),
          );
  }

  override getChildren(): readonly CallbackBase[] {
    return this.#evaluations.flatMap(({ callbacks }) => callbacks);
  }

  #averagedTensors(factor: number): AveragedTensor[] {
    if (this.#averages.length === 0) {
      throw new RuntimeError(
        "EmaCallback: there are no averages for eval_callbacks; an evaluation reads those of the run that it evaluates, which needs an EmaCallback with these factors",
      );
    }
    return this.#averages.flatMap(({ path, factors, buffers }) => {
      const target = this.#target(path);
      const averages = [...(factors.get(factor) ?? []), ...buffers];
      const live = new Map<string, Tensor>([...target.namedParameters(), ...target.namedBuffers()]);
      return averages.map(([name, average]) => [live.get(name)!, average] as const);
    });
  }

  async #evaluate(
    pass: "afterUpdate" | "afterEpoch" | "atEval",
    context: Omit<PeriodicCallbackContext, "intervalType">,
  ) {
    for (const evaluation of this.#evaluations) await evaluation.run(pass, context);
  }

  override async afterUpdate(context: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
    await super.afterUpdate(context);
    await this.#evaluate("afterUpdate", context);
  }

  override async afterEpoch(context: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
    await super.afterEpoch(context);
    await this.#evaluate("afterEpoch", context);
  }

  override async atEval(context: Omit<PeriodicCallbackContext, "intervalType">): Promise<void> {
    await super.atEval(context);
    await this.#evaluate("atEval", context);
  }

  /** States of the callbacks inside, by factor; null: none of them has one. */
  override stateDict(): CallbackState | null {
    const states = this.#evaluations.flatMap(({ factor, callbacks }): [string, CallbackState][] => {
      const state = buildCallbackStateDict(callbacks);
      return state.size === 0 ? [] : [[emaInfo(factor), state]];
    });
    return states.length === 0 ? null : new Map([["eval_callbacks", new Map(states)]]);
  }

  override loadStateDict(state: CallbackState): void {
    const states = toMap(entryOf(state, "eval_callbacks") ?? {});
    for (const { factor, callbacks } of this.#evaluations) {
      loadCallbackStateDicts(callbacks, states.get(emaInfo(factor)) ?? new Map(), this.logger);
    }
  }

  /** Averaged parameters of a path (null: the whole model) and factor, by name. */
  parametersOf(path: string | null, factor: number): ReadonlyMap<string, Tensor> | undefined {
    return this.#averages.find((average) => average.path === path)?.factors.get(factor);
  }

  /** Buffers of a path as of the last update. */
  buffersOf(path: string | null): ReadonlyMap<string, Tensor> | undefined {
    return this.#averages.find((average) => average.path === path)?.buffers;
  }

  #target(path: string | null): ModelBase {
    const target = selectWithPath(this.model, path);
    if (!(target instanceof nn.Module)) {
      throw new ValueError(`EmaCallback: '${path}' of model '${this.model.name}' is not a module`);
    }
    if (!(target instanceof ModelBase)) {
      throw new ValueError(
        `EmaCallback: '${path}' of model '${this.model.name}' is a ${target.constructor.name}; only models (Model, CompositeModel) can be saved`,
      );
    }
    return target;
  }

  override beforeTraining(updateCounter: UpdateCounter): Promise<void> | void {
    this.#begin();
    return this.#forEachChild((child) => child.beforeTraining(updateCounter));
  }

  #forEachChild(hook: (child: CallbackBase) => Promise<void> | void): Promise<void> | void {
    const children = this.getChildren();
    if (children.length === 0) return;
    return (async () => {
      for (const child of children) await hook(child);
    })();
  }

  #begin(): void {
    // weights are equal in all processes: where the averages are evaluated, each keeps them itself
    if (this.wasResumed || (!isRank0() && this.getChildren().length === 0)) {
      return;
    }
    noGrad(() => {
      for (const path of this.modelPaths) {
        const target = this.#target(path);
        const clones = (): Map<string, Tensor> =>
          new Map(target.namedParameters().map(([name, parameter]) => [name, keep(parameter.detach().clone())]));
        this.#averages.push({
          path,
          factors: new Map(this.targetFactors.map((factor) => [factor, clones()])),
          buffers: new Map(target.namedBuffers().map(([name, buffer]) => [name, keep(buffer.clone())])),
        });
      }
    });
  }

  override trackAfterUpdateStep(_counter?: UpdateCounter, _times?: UpdateTimes, update = { skipped: false }): void {
    if (update.skipped) {
      return;
    }
    noGrad(() =>
      scope(() => {
        for (const { path, factors, buffers } of this.#averages) {
          const target = this.#target(path);
          const parameters = target.parameters();
          for (const [factor, averaged] of factors) {
            const list = [...averaged.values()];
            if (list.length === 0) continue;
            _foreachMul_(list, factor);
            _foreachAdd_(list, parameters, { alpha: 1 - factor });
          }
          for (const [name, buffer] of target.namedBuffers()) buffers.get(name)?.copy_(buffer);
        }
      }),
    );
  }

  override periodicCallback({ intervalType, updateCounter }: PeriodicCallbackContext): void {
    if (intervalType !== "eval") {
      this.#save([
        ...(this.saveWeights ? [String(updateCounter.curIteration)] : []),
        ...(this.saveLatestWeights ? ["latest"] : []),
      ]);
    }
  }

  override afterTraining(updateCounter: UpdateCounter): Promise<void> | void {
    this.#save([...(this.saveLastWeights ? ["last"] : []), ...(this.saveLatestWeights ? ["latest"] : [])]);
    return this.#forEachChild((child) => child.afterTraining(updateCounter));
  }

  /** Without the averages of its update training could not continue from a checkpoint as if it had never stopped. */
  override completeCheckpoint(tag: string, { resumable }: { readonly resumable: boolean }): void {
    if (resumable || (tag === "latest" && this.saveLatestWeights)) this.#save([tag]);
  }

  #save(tags: readonly string[]): void {
    if (!isRank0()) {
      return;
    }
    const files = this.#averages.flatMap(({ path, factors, buffers }) => {
      const target = this.#target(path);
      const persistent = new Set(target.stateDict().keys());
      const sharedNames = namesOfShared(target);
      return [...factors].flatMap(([factor, averaged]) =>
        tags.map((checkpointTag) => ({
          modelName: this.#modelName(path),
          checkpointTag,
          stateDict: new Map([
            ...averaged,
            // a strict reader wants a shared parameter under all of its names
            ...sharedNames.map(([name, first]) => [name, averaged.get(first)!] as const),
            ...[...buffers].filter(([name]) => persistent.has(name)),
          ]),
          modelConfig: target.modelConfig,
          modelInfo: emaInfo(factor),
          extra: { ema: new Float(factor) },
        })),
      );
    });
    this.checkpointWriter.saveModelCheckpoints(files);
  }

  #modelName(path: string | null): string {
    return path === null || path === "" ? this.model.name : `${this.model.name}.${path}`;
  }

  /**
   * Reads the averages of the checkpoint that is resumed, or, if it has none, the latest ones. Where the run has neither, averages
   * start from the weights as they are now, with a warning.
   */
  override resumeFromCheckpoint(resumptionPaths: PathProvider, model: ModelBase, checkpointTag: string): void {
    const loaded = this.modelPaths.map((path): Average => {
      const target = this.#target(path);
      const states = this.targetFactors.map(
        (factor) => [factor, this.#readState(resumptionPaths, model, path, factor, checkpointTag)] as const,
      );
      const persistent = new Set(target.stateDict().keys());
      const lastState = states[states.length - 1]?.[1];
      return {
        path,
        factors: new Map(
          states.map(([factor, state]) => [
            factor,
            new Map(target.namedParameters().map(([name]) => [name, keep(state(name))])),
          ]),
        ),
        buffers: new Map(
          target
            .namedBuffers()
            .map(([name, buffer]) => [
              name,
              keep(lastState && persistent.has(name) ? lastState(name) : buffer.clone()),
            ]),
        ),
      };
    });
    this.#averages.splice(0, this.#averages.length, ...loaded);
    this.wasResumed = true;
  }

  /** Tensors of a stored average by name. */
  #readState(
    paths: PathProvider,
    model: ModelBase,
    path: string | null,
    factor: number,
    tag: string,
  ): (name: string) => Tensor {
    const modelName = path ? `${model.name}.${path}` : model.name;
    const found = this.#findAverage(paths, modelName, factor, tag, model.device);
    if (found === null) {
      this.logger.warning(
        `'${paths.checkpointPath}' has no averaged weights ${emaInfo(factor)} of model '${modelName}': they start from its weights as they are now`,
      );
      const target = this.#target(path);
      const live = new Map<string, Tensor>([...target.namedParameters(), ...target.namedBuffers()]);
      return (name) => live.get(name)!.detach().clone();
    }
    const { file, content } = found;
    const stored = toMap(entryOf(content, CheckpointKeys.STATE_DICT)) as Map<string, Tensor>;
    const state = toCurrentState(stored, this.#target(path).stateDict().keys());
    return (name) => {
      const tensor = state.get(name);
      if (tensor === undefined) {
        throw new KeyError(`'${file}' lacks '${name}': it was written by another model`);
      }
      return tensor;
    };
  }

  /**
   * The average of the iteration that training is at: the one of the checkpoint. Runs of other programs may have it under
   * the iteration or `latest` only; if none of them is of this iteration, the first is taken, with a warning.
   */
  #findAverage(
    paths: PathProvider,
    modelName: string,
    factor: number,
    tag: string,
    device: string,
  ): { file: string; content: Record<string, unknown> } | null {
    const { curIteration } = this.trainer.updateCounter;
    const folder = new CheckpointFolder(paths.checkpointPath);
    const nameOf = (someTag: string): string => checkpointFileName(modelName, someTag, "model", emaInfo(factor));
    const present = new Set(folder.names());
    const names = [tag, String(curIteration), "latest", "last"].map(nameOf).filter((name) => present.has(name));
    const read = (name: string) => {
      const file = folder.fileOf(name);
      const content = readTorchFile(file, {
        device,
        purpose: `averaged weights of model '${modelName}'`,
      }) as Record<string, unknown>;
      const iteration = toMap<number>(entryOf(content, CheckpointKeys.TRAINING_ITERATION) ?? {}) as Map<string, number>;
      return { file, content, written: TrainingIteration.fromDict(Object.fromEntries(iteration)) };
    };
    if (names[0] === undefined) return null;
    const first = read(names[0]);
    if (first.written.equals(curIteration)) return first;
    const other = names
      .slice(1)
      .map(read)
      .find(({ written }) => written.equals(curIteration));
    if (other === undefined) {
      this.logger.warning(
        `the averaged weights of '${first.file}' are of ${first.written}, but training is at ${curIteration}`,
      );
    }
    return other ?? first;
  }
}

register("noether.core.callbacks.EmaCallback", {
  class: EmaCallback,
  aliases: ["noether.core.callbacks.checkpoint.EmaCallback", "noether.core.callbacks.checkpoint.ema.EmaCallback"],
});

function emaInfo(factor: number): string {
  return `ema=${pyFloatRepr(factor)}`;
}

/** Further names of parameters that a model has in several places, each with the first. */
function namesOfShared(model: ModelBase): (readonly [name: string, first: string])[] {
  const firsts = new Map(model.namedParameters().map(([name, parameter]) => [parameter, name]));
  return model.namedParameters("", { removeDuplicate: false }).flatMap(([name, parameter]) => {
    const first = firsts.get(parameter)!;
    return first === name ? [] : [[name, first] as const];
  });
}
