import { AssertionError, ValueError } from "../../config/python-errors";
import { pyNumber } from "../../config/python-format";
import { isGiven } from "../../config/schema";
import { keep, markFloatEntry, nn, type optim, type Tensor, toMap } from "../../torch";
import type { UpdateCounter } from "../iteration/update-counter";
import { getLogger } from "../logging";
import { toCurrentOptimizerState } from "../release-1.1";
import { type GradScalerLike, NoopGradScaler } from "../../torch/amp/grad-scaler";
import { createSchedule } from "../schedules/create-schedule";
import type { ScheduleWrapper } from "../schedules/schedule-wrapper";
import { Bidict } from "./bidict";
import { createModifiers } from "./create-modifiers";
import { OPTIMIZER_WRAPPER_KEYS, type OptimizerConfig } from "./optimizer-config";
import { groupParameters } from "./param-groups";
import { labelsOf } from "./file-labels";
import { OptimizerShard } from "./sharding";

/** Builds the optimizer for parameter groups. */
export type TorchOptimizerConstructor = (groups: optim.ParamGroupInput<object>[]) => optim.AnyOptimizer;

/** The options that the wrapper itself reads; the others belong to the optimizer. */
export type OptimizerWrapperConfig = Pick<OptimizerConfig, (typeof OPTIMIZER_WRAPPER_KEYS)[number]>;

/** A parameter group of the optimizer with what the wrapper keeps in it. */
type Group = {
  lr: number;
  weightDecay: number;
  lrScale?: number;
  originalLr?: number;
  excludeFromWd?: boolean;
  /** Learning rate at construction; the schedule of a group is this times what the first group's is of its own. */
  initialLr: number;
  name: string;
  params: Tensor[];
};

/**
 * An optimizer with everything around it: parameter groups (weight decay exemptions, own learning rates), gradient
 * clipping, schedules of learning rate and weight decay, and checkpoints that match parameters by name.
 */
export class OptimizerWrapper {
  readonly model: nn.Module;
  readonly updateCounter: UpdateCounter | null;
  readonly config: OptimizerWrapperConfig;
  readonly torchOptim: optim.AnyOptimizer;
  /** Names of the parameters by their index in the optimizer. */
  readonly paramIdxToName: Bidict<number, string>;
  /** Parameters whose gradients are clipped; null: no clipping. */
  readonly allParameters: readonly Tensor[] | null;
  readonly schedule: ScheduleWrapper | null;
  readonly weightDecaySchedule: ScheduleWrapper | null;
  private readonly logger = getLogger("OptimizerWrapper");
  /** What was done with the gradients of the update in progress before {@link step}. */
  /** Set where the state is spread over the processes of the run. */
  private shard: OptimizerShard | null = null;
  private readonly ahead: { unscaled: boolean; norm: Tensor | null } = { unscaled: false, norm: null };

  constructor(
    model: nn.Module,
    torchOptimizer: TorchOptimizerConstructor,
    config: OptimizerWrapperConfig,
    { updateCounter = null }: { updateCounter?: UpdateCounter | null } = {},
  ) {
    this.model = model;
    this.updateCounter = updateCounter;
    this.config = config;
    const groups = groupParameters(model, {
      modifiers: createModifiers(config.param_group_modifiers_config),
      excludeBiasFromWeightDecay: config.exclude_bias_from_weight_decay,
      excludeNormalizationParamsFromWeightDecay: config.exclude_normalization_params_from_weight_decay,
    });
    this.torchOptim = torchOptimizer(
      groups.map(({ name, properties, parameters }) => ({
        ...(properties["weight_decay"] === undefined ? {} : { weightDecay: properties["weight_decay"] }),
        ...(properties["lr_scale"] === undefined ? {} : { lrScale: properties["lr_scale"] }),
        name,
        params: parameters.map(([, parameter]) => parameter),
      })),
    );
    // in the optimizer's order: it may have split the groups
    const names = new Map(
      groups.flatMap(({ parameters }) => parameters.map(([name, param]) => [param, name] as const)),
    );
    this.paramIdxToName = new Bidict(
      this.paramGroups.flatMap(({ params }) => params).map((param, i) => [i, names.get(param)!]),
    );
    for (const group of this.paramGroups) {
      group.initialLr = group.lr;
      markFloatEntry(group, "initialLr");
    }
    this.logger.debug(
      `Using ${groups.length} param groups: ${groups.map(({ name, parameters }) => `${name} (len(params)=${parameters.length})`).join(", ")}`,
    );
    this.allParameters = config.clip_grad_value === null && config.clip_grad_norm === null ? null : model.parameters();
    this.scaleLearningRates();
    this.schedule = createSchedule(config.schedule_config, { updateCounter });
    this.weightDecaySchedule = createSchedule(config.weight_decay_schedule, { updateCounter });
    this.excludeFromWeightDecaySchedule();
  }

  /** Groups of the optimizer; `lr` and `weightDecay` are those of the last update. */
  get paramGroups(): readonly Group[] {
    return this.torchOptim.paramGroups as Group[];
  }

  private scaleLearningRates(): void {
    for (const group of this.paramGroups) {
      if (group.lrScale === undefined) continue;
      if (group.originalLr !== undefined) {
        throw new ValueError(`parameter group '${group.name}' has an original_lr already`);
      }
      group.originalLr = group.lr;
      markFloatEntry(group, "originalLr");
      markFloatEntry(group, "lrScale");
      group.lr *= group.lrScale;
      this.logger.debug(
        `scaled lr of param group '${group.name}' from ${pyNumber(group.originalLr)} to ${pyNumber(group.lr)}`,
      );
    }
  }

  private excludeFromWeightDecaySchedule(): void {
    if (this.weightDecaySchedule === null) return;
    for (const group of this.paramGroups) {
      if (group.excludeFromWd !== undefined) {
        throw new AssertionError(`parameter group '${group.name}' has exclude_from_wd already`);
      }
      group.excludeFromWd = group.weightDecay === 0;
    }
    if (this.paramGroups.every((group) => group.excludeFromWd)) {
      this.logger.warning(
        "weight_decay_schedule has no effect: weight_decay is 0 for every parameter; set weight_decay to a value above 0",
      );
    }
  }

  /** Takes the loss scale out of the gradients, so that they can be looked at before {@link step}. */
  unscaleGradients(gradScaler: GradScalerLike): void {
    if (this.ahead.unscaled) return;
    gradScaler.unscale_(this.torchOptim);
    this.ahead.unscaled = true;
  }

  /**
   * Norm over all gradients of the model as they are now, 0-d, for looking at them before {@link step}: clipping by norm
   * uses it as well, unless `clip_grad_value` comes first. Valid until the step.
   */
  gradNorm(): Tensor {
    return (this.ahead.norm ??= keep(nn.utils.getTotalNorm(this.gradients())));
  }

  private gradients(): Tensor[] {
    return (this.allParameters ?? this.model.parameters()).flatMap((parameter) => parameter.grad ?? []);
  }

  /**
   * Clips the gradients and updates the parameters.
   *
   * @param gradScaler Scaler of mixed-precision training; null: none.
   * @returns Norm over all gradients before clipping by norm, null without such clipping or without gradients.
   */
  step(
    gradScaler: GradScalerLike | null = null,
    { updateScaler = true }: { updateScaler?: boolean } = {},
  ): Tensor | null {
    if (gradScaler !== null && !this.hasParamWithGrad()) {
      return null;
    }
    const scaler = gradScaler ?? new NoopGradScaler();
    const norm = this.allParameters === null ? null : this.clip(this.allParameters, scaler);
    if (this.shard === null) scaler.step(this.torchOptim);
    else {
      this.unscaleGradients(scaler); // all of them: a process alone would not see an overflow in the others' share
      this.shard.step(() => void scaler.step(this.torchOptim));
    }
    if (updateScaler) {
      scaler.update();
    }
    this.forgetAhead();
    return norm;
  }

  private clip(parameters: readonly Tensor[], scaler: GradScalerLike): Tensor | null {
    const { clip_grad_value: clipValue, clip_grad_norm: clipNorm } = this.config;
    this.unscaleGradients(scaler);
    if (clipValue !== null) nn.utils.clipGradValue_(parameters, clipValue);
    if (clipNorm === null) return null;
    const measured = clipValue === null ? this.ahead.norm : null;
    if (measured === null) return nn.utils.clipGradNorm_(parameters, clipNorm);
    nn.utils.clipGradsWithNorm_(parameters, clipNorm, measured);
    return measured.clone();
  }

  private forgetAhead(): void {
    this.ahead.norm?.dispose();
    this.ahead.norm = null;
    this.ahead.unscaled = false;
  }

  /** True if any parameter of the optimizer has a gradient. */
  hasParamWithGrad(): boolean {
    return this.paramGroups.some((group) => group.params.some((parameter) => parameter.grad !== null));
  }

  /**
   * Sets learning rate and weight decay for the update that comes next. The first group's learning rate is the value of the
   * schedule; that of the others is in proportion to their initial ones, so that a second optimizer keeps its own.
   */
  scheduleStep(): void {
    if (this.schedule !== null) {
      const reference = this.paramGroups[0]!.initialLr;
      // in exactly this order, so that runs in Python and here agree to the last bit
      const factor = reference > 0 ? this.schedule.getValue() / reference : 0;
      for (const group of this.paramGroups) {
        const lr = group.initialLr * factor;
        group.lr = group.lrScale === undefined ? lr : group.lrScale * lr;
      }
    }
    if (this.weightDecaySchedule !== null) {
      const value = this.weightDecaySchedule.getValue();
      for (const group of this.paramGroups) {
        if (group.excludeFromWd === false) group.weightDecay = value;
      }
    }
  }

  /** Spreads the state over the processes of the run: each keeps that of its share. Checkpoints stay as they are. */
  shardState(): void {
    this.shard ??= new OptimizerShard(this.torchOptim);
  }

  /** Whether the state is spread over the processes. */
  get isSharded(): boolean {
    return this.shard !== null;
  }

  /** Gives the first process the whole state while `body` writes a checkpoint, in every process; nothing else where it has it anyway. */
  withWholeState(body: () => void): void {
    this.shard?.gatherState();
    try {
      body();
    } finally {
      this.shard?.releaseState();
    }
  }

  zeroGrad(setToNone = true): void {
    this.forgetAhead();
    this.torchOptim.zeroGrad({ setToNone });
  }

  /** PyTorch's optimizer state, and the parameters' names by index. */
  stateDict(): Map<string, unknown> {
    const { state, param_groups } = this.torchOptim.stateDict();
    return new Map<string, unknown>([
      ["state", state],
      ["param_groups", param_groups],
      ["param_idx_to_name", this.paramIdxToName.toForward()],
    ]);
  }

  /**
   * Takes over the state of a checkpoint. Options and groups stay those of this optimizer; the state of each parameter is
   * found by the parameter's name. Parameters that the checkpoint does not know start without state, with a warning.
   *
   * Files of release 1.1, which has one weight for queries, keys and values, are read, too.
   *
   * A file without names (of a plain optimizer) is matched by position and replaces the options.
   */
  loadStateDict(given: ReadonlyMap<string, unknown>): void {
    const stateDict = toCurrentOptimizerState(given, this.paramIdxToName.toForward().values());
    const names = asMap(stateDict.get("param_idx_to_name")) as Map<number, string> | null;
    if (names === null) {
      const initial = this.paramGroups.map(({ initialLr }) => initialLr);
      this.torchOptim.loadStateDict(Object.fromEntries(stateDict));
      // files of release 1.1, and of plain optimizers, have none
      for (const [i, group] of this.paramGroups.entries()) group.initialLr ??= initial[i]!;
      return;
    }
    const loadedState = asMap(stateDict.get("state")) ?? new Map<number, unknown>();
    const loadedIndex = new Map(
      [...labelsOf(names, stateDict.get("param_groups"), this.model)].map(([index, name]) => [name, index]),
    );
    const unknown: string[] = [];
    const state = new Map<number, unknown>();
    for (const [index, name] of this.paramIdxToName.toForward()) {
      const loaded = loadedIndex.get(name);
      if (loaded === undefined) {
        unknown.push(name);
      } else if (loadedState.has(loaded)) {
        state.set(index, loadedState.get(loaded));
      }
    }
    if (unknown.length > 0) {
      this.logger.warning(
        `the optimizer checkpoint does not know these parameters, they start without state: ${unknown.join(", ")}`,
      );
    }
    this.torchOptim.loadStateDict({ state, param_groups: this.torchOptim.stateDict().param_groups });
  }

  /** Name of the optimizer and the options that differ from their defaults. */
  toString(): string {
    const defaults: Record<string, unknown> = {
      exclude_bias_from_weight_decay: true,
      exclude_normalization_params_from_weight_decay: true,
    };
    const options = OPTIMIZER_WRAPPER_KEYS.filter(
      (key) => this.config[key] !== null && this.config[key] !== undefined && this.config[key] !== defaults[key],
    );
    const text = options.map((key) => `${key}=${optionText(this.config[key])}`).join(", ");
    return `${this.torchOptim.constructor.name}${text === "" ? "" : `(${text})`}`;
  }

  /** `console.log(wrapper)` prints the optimizer with the options of all groups. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `OptimizerWrapper(${this.torchOptim})`;
  }
}

/** An option of a float type; integral values print with `.0`. Nested configurations show what was given. */
function optionText(value: unknown): string {
  if (typeof value === "number") {
    return Number.isInteger(value) ? `${value}.0` : pyNumber(value);
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const given = Object.entries(value).filter(([key]) => key !== "kind" && isGiven(value, key));
    return `{${given.map(([key, item]) => `${key}: ${String(item)}`).join(", ")}}`;
  }
  return Array.isArray(value) ? `[${value.map(optionText).join(", ")}]` : String(value);
}

/** A loaded dict with integer keys. */
function asMap(value: unknown): Map<number, unknown> | null {
  if (value === undefined || value === null) {
    return null;
  }
  return new Map([...toMap(value)].map(([key, item]) => [Number(key), item]));
}
