import { inspect } from "node:util";
import { native } from "../addon";
import { callable, checkArgument, checkOptions, flag, isPlainObject, refuseSurplus, show } from "../arguments";
import { enableGrad, noGrad } from "../autograd";
import { TorchError, guard } from "../errors";
import { nearestOption } from "../nearest-option";
import { toSnakeCase } from "../nn/naming";
import { pythonRepr } from "../nn/repr";
import { keep, scope } from "../scope";
import { Tensor } from "../tensor";
import { Batch } from "./batch";
import { valueOf } from "./known-values";
import { stepsOnDevice } from "./step";
import { type OptimizerStateDict, markInteger, readStateDict, writeStateDict } from "./state-dict";

/** Options of one parameter group. Keys that no optimizer knows (names, schedule scales) are kept and saved. */
export type GroupOptions<O extends object> = O & Record<string, unknown>;

/** A parameter group: its options in PyTorch's order, and its parameters. */
export type ParamGroup<O extends object = object> = GroupOptions<O> & { params: Tensor[] };

/** What a caller gives for a group: parameters, and the options that differ from the optimizer's. */
export type ParamGroupInput<O extends object> = { params: Iterable<Tensor> | Tensor } & Partial<O> &
  Record<string, unknown>;

/** Parameters in one group, or several groups. */
export type OptimizerInput<O extends object> = Iterable<Tensor> | Iterable<ParamGroupInput<O>>;

/** State of one parameter, by PyTorch's names (`exp_avg`, `step`, …). */
export type ParamState = Record<string, unknown>;

/** What every optimizer's options hold. */
export interface BaseOptions {
  /** Learning rate; a tensor is read at each step. */
  lr: number | Tensor;
}

/**
 * Base of all optimizers: `torch.optim.Optimizer`.
 *
 * A subclass says what a fresh state is ({@link initialState}) and how one group is updated ({@link updateGroup}); it
 * gets whole lists, so that a step is a handful of native calls however many parameters there are. State tensors
 * belong to no scope; everything else that a step makes is freed at its end.
 *
 * Options are camelCase here (`paramGroups[0].weightDecay`) and snake_case in {@link stateDict}, whose layout is
 * PyTorch's, so that a run can change between the languages.
 */
export abstract class Optimizer<O extends BaseOptions = BaseOptions> {
  /** Python's class has `0.0` where others have `0` as a default. */
  static readonly hasFloatDefaults: boolean = false;

  /** Options for groups that do not set their own, in PyTorch's order. */
  readonly defaults: O;
  /** The class's own defaults, whose kinds the options must have. */
  private readonly standard: O;
  /** Groups in the order in which they were added; options may be changed between steps. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** State by parameter, in the order of first use; a parameter that never had a gradient has none. */
  readonly state = new Map<Tensor, ParamState>();
  /** Options of Python's classes whose default is written as an int: `weight_decay=0`. */
  private readonly integerDefaults = new Set<string>();

  /** @throws TypeError for `JSON.stringify`: what can be written is {@link stateDict}. Printers call this without a key. */
  toJSON(key?: string): string {
    if (key === undefined) return this.constructor.name;
    throw new TypeError(
      "JSON.stringify: an optimizer is not plain data: save(optimizer.stateDict(), path) writes its state",
    );
  }

  /**
   * @param defaults the class's defaults, all options in PyTorch's order.
   * @param options those of the caller.
   * @param surplus arguments that the class does not have.
   */
  constructor(params: OptimizerInput<O>, defaults: O, options: Partial<O> = {}, surplus: readonly unknown[] = []) {
    const { name } = this.constructor;
    this.defaults = { ...defaults };
    this.standard = defaults;
    if (!isPlainObject(options)) {
      const hint = typeof options === "number" ? `; for example { lr: ${options as number} }` : "";
      throw new TypeError(
        `${name}: expected options, { ${Object.keys(defaults).join(", ")} }, got ${show(options)}${hint}`,
      );
    }
    refuseSurplus(name, surplus);
    for (const [option, value] of Object.entries(options)) {
      if (!(option in defaults)) {
        throw new TorchError(
          `${name}: expected options among ${Object.keys(defaults).join(", ")}, got "${option}"${didYouMean(option, defaults)}`,
        );
      }
      if (value !== undefined) (this.defaults as Record<string, unknown>)[option] = value;
    }
    if (!(this.constructor as typeof Optimizer).hasFloatDefaults) {
      for (const option of INTEGER_DEFAULTS) {
        const isDefault = (options as Record<string, unknown>)[option] === undefined;
        if (isDefault && (defaults as Record<string, unknown>)[option] === 0) this.integerDefaults.add(option);
      }
    }
    const isList = typeof (params as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === "function";
    if (!isList || params instanceof Tensor)
      throw new TypeError(
        `${name}: expected parameters, such as model.parameters(), or groups of them, got ${show(params)}`,
      );
    const given = [...params] as (Tensor | ParamGroupInput<O>)[];
    if (given.length === 0) throw new TorchError(`${name}: expected parameters, got an empty list`);
    const groups = (given[0] instanceof Tensor ? [{ params: given }] : given) as ParamGroupInput<O>[];
    for (const group of groups) this.addParamGroup(group);
  }

  /** State of a parameter at its first step with a gradient. */
  protected abstract initialState(param: Tensor, group: ParamGroup<O>): ParamState;

  /** Updates the parameters of `batch` in place; runs without recording, inside a scope. */
  protected abstract updateGroup(group: ParamGroup<O>, batch: Batch): void;

  /** Checks a group's options before it is added; subclasses add theirs. */
  protected checkGroup(group: ParamGroup<O>): void {
    this.expectRange("lr", group.lr instanceof Tensor ? 0 : group.lr, 0);
    if (group.differentiable === true) {
      throw new TorchError(
        `${this.constructor.name}: expected differentiable to be false, got true: a step cannot be differentiated here`,
      );
    }
  }

  /** Refuses an option outside of [from, below). */
  protected expectRange(option: string, value: unknown, from: number, below = Infinity): void {
    if (typeof value === "number" && value >= from && (value < below || below === Infinity)) return;
    const range =
      below === Infinity ? `a number of at least ${from}` : `a number from ${from} up to, not including, ${below}`;
    throw new TorchError(`${this.constructor.name}: expected ${range} for ${option}, got ${inspect(value)}`);
  }

  /** Adds a group, e.g. for layers that are unfrozen during training. Options that it does not set are the defaults. */
  addParamGroup(input: ParamGroupInput<O>, ...surplus: never[]): void {
    const given: unknown = isPlainObject(input) ? input.params : undefined;
    if (
      typeof (given as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== "function" &&
      !(given instanceof Tensor)
    )
      throw new TypeError(`${this.constructor.name}: expected a group, { params, lr, … }, got ${show(input)}`);
    refuseSurplus(`${this.constructor.name}.addParamGroup`, surplus);
    const params = input.params instanceof Tensor ? [input.params] : [...input.params];
    const group = { ...input, params } as ParamGroup<O>;
    for (const [option, value] of Object.entries(this.defaults)) {
      if (group[option] !== undefined) continue;
      (group as Record<string, unknown>)[option] = value;
      if (this.integerDefaults.has(option)) markInteger(group, option, 0);
    }
    this.checkParams(params);
    this.checkKinds(group);
    this.checkGroup(group);
    const unknown = Object.entries(group).find(([option, value]) => option in this.defaults && Number.isNaN(value));
    if (unknown !== undefined)
      throw new TorchError(`${this.constructor.name}: expected a number for ${unknown[0]}, got NaN`);
    this.paramGroups.push(group);
  }

  /** A group's options are of the kinds of the defaults; a name that is nearly one of theirs is a slip. */
  private checkKinds(group: ParamGroup<O>): void {
    const { name } = this.constructor;
    for (const [option, value] of Object.entries(group)) {
      if (option === "params") continue;
      if (!(option in this.defaults)) {
        const meant = option.length >= 4 ? didYouMean(option, this.defaults) : "";
        if (meant !== "") throw new TorchError(`${name}: expected an option of the group, got "${option}"${meant}`);
        continue;
      }
      const standard: unknown = (this.standard as Record<string, unknown>)[option];
      if (typeof standard === "boolean" && typeof value !== "boolean")
        throw new TorchError(`${name}: expected a boolean for ${option}, got ${inspect(value)}`);
      if (NULLABLE_FLAGS.has(option) && value !== null && typeof value !== "boolean")
        throw new TorchError(`${name}: expected a boolean or null for ${option}, got ${inspect(value)}`);
      if (typeof standard === "number" && option !== "lr" && typeof value !== "number")
        throw new TorchError(`${name}: expected a number for ${option}, got ${inspect(value)}`);
      if (Array.isArray(standard) && !(Array.isArray(value) && value.length === standard.length))
        throw new TorchError(
          `${name}: expected an array of ${standard.length} numbers for ${option}, got ${inspect(value)}`,
        );
    }
  }

  private checkParams(params: readonly unknown[]): void {
    const known = new Set(this.paramGroups.flatMap((group) => group.params));
    for (const param of params) {
      if (!(param instanceof Tensor))
        throw new TorchError(`${this.constructor.name}: expected tensors as parameters, got ${inspect(param)}`);
      if (!param.isLeaf)
        throw new TorchError(
          `${this.constructor.name}: expected leaf tensors, got the result of an operation, shape [${param.shape.join(", ")}]`,
        );
      if (known.has(param))
        throw new TorchError(
          `${this.constructor.name}: expected each parameter once, got one twice, shape [${param.shape.join(", ")}]`,
        );
      known.add(param);
    }
  }

  /**
   * One update of every parameter that has a gradient.
   *
   * @param closure evaluates the loss again (with gradients recorded); its value is returned.
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T, ...surplus: never[]): T | undefined {
    if (closure !== undefined) checkArgument(`${this.constructor.name}.step`, "closure", closure, callable);
    refuseSurplus(`${this.constructor.name}.step`, surplus);
    const loss = closure === undefined ? undefined : enableGrad(closure);
    guard(`${this.constructor.name}.step`, () =>
      noGrad(() => {
        for (const group of this.paramGroups) this.stepGroup(group);
      }),
    );
    return loss;
  }

  /**
   * What a step reads from the device, so that it cannot be recorded as a CUDA graph; null where it reads nothing. A recorded
   * step takes the learning rate of a group from a tensor (`lr`), and everything else as it was when it was recorded.
   */
  get readsOnHost(): string | null {
    return `${this.constructor.name} reads its learning rate and step counts`;
  }

  /** Whether {@link stepUnless} does steps. */
  get skipsOnDevice(): boolean {
    return false;
  }

  /**
   * A step that changes nothing where `foundInf`, 0-dim float32 on the parameters' device, is not 0, without reading it.
   *
   * @returns false, and nothing is done, where the optimizer has to know it
   */
  stepUnless(_foundInf: Tensor): boolean {
    return false;
  }

  /** Whether the `step` of a parameter lies on its device, rather than on the CPU. */
  protected keepsStepOnDevice(_param: Tensor, group: ParamGroup<O>): boolean {
    return stepsOnDevice(group);
  }

  private stepGroup(group: ParamGroup<O>): void {
    const { params } = group;
    const gradients = native.grads(params.map((param) => param.handle));
    try {
      const batch = new Batch();
      for (const [i, param] of params.entries()) {
        const gradient = gradients[i] as number;
        if (gradient !== 0) batch.add(param, gradient, this.stateOf(param, group));
      }
      if (batch.params.length > 0) scope(() => this.updateGroup(group, batch));
    } finally {
      native.freeMany(gradients);
    }
  }

  private stateOf(param: Tensor, group: ParamGroup<O>): ParamState {
    let state = this.state.get(param);
    if (state === undefined) {
      state = keepTensors(this.initialState(param, group));
      this.state.set(param, state);
    }
    return state;
  }

  /** Makes the state of a parameter now, for optimizers that do not wait for the first gradient. */
  protected initializeState(param: Tensor, group: ParamGroup<O>): void {
    this.stateOf(param, group);
  }

  /** Drops every gradient, or with `setToNone: false` zeroes it: one native call. */
  zeroGrad(options: { setToNone?: boolean } = {}, ...surplus: never[]): void {
    checkOptions("zeroGrad", options, ZERO_GRAD, surplus);
    const handles: number[] = [];
    for (const group of this.paramGroups) {
      for (const param of group.params) handles.push(param.handle);
    }
    native.zeroGrads(handles, options.setToNone ?? true);
  }

  /**
   * State and options in PyTorch's layout: `{ state: { index: { exp_avg, … } }, param_groups: [{ lr, …, params: [index] }] }`.
   * Parameters are numbered through all groups. The tensors are the optimizer's own.
   */
  stateDict(): OptimizerStateDict {
    return writeStateDict(this.paramGroups, this.state);
  }

  /**
   * Takes over options and state, matched by position. State tensors are copied and get the dtype and device of their
   * parameter, except `step`, which stays float32, and on the CPU unless a kernel on the device counts it.
   *
   * @throws TorchError when the groups differ in number or size; the optimizer is then untouched.
   */
  loadStateDict(stateDict: unknown): void {
    const { groups, state } = readStateDict(
      this.constructor.name,
      stateDict,
      this.paramGroups,
      this.defaults,
      (param, group) => this.keepsStepOnDevice(param, group as ParamGroup<O>),
    );
    for (const group of groups) this.afterLoad(group as ParamGroup<O>);
    this.paramGroups.splice(0, this.paramGroups.length, ...(groups as ParamGroup<O>[]));
    this.state.clear();
    for (const [param, values] of state) this.state.set(param, keepTensors(values));
  }

  /** Forces options that a file must not change. */
  protected afterLoad(_group: ParamGroup<O>): void {}

  /** As PyTorch prints optimizers: options by name, sorted. */
  toString(): string {
    const groups = this.paramGroups.map((group, index) => {
      const options = Object.entries(group)
        .filter(([option]) => option !== "params")
        .map(([option, value]): [string, string] => [
          toSnakeCase(option),
          value instanceof Tensor || typeof value === "string" ? String(value) : pythonRepr(value),
        ])
        .sort(([left], [right]) => (left < right ? -1 : 1));
      return `Parameter Group ${index}\n${options.map(([option, value]) => `    ${option}: ${value}\n`).join("")}`;
    });
    return `${this.constructor.name} (\n${groups.join("\n")})`;
  }

  /** `console.log(optimizer)` prints {@link toString}. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** Options whose default is `0` in most of Python's classes, which a file holds as an int. */
const INTEGER_DEFAULTS = ["weightDecay", "momentum", "dampening", "lrDecay", "initialAccumulatorValue"];
const ZERO_GRAD = { setToNone: flag };

/** Options that ask for a kernel, or leave the choice: null. */
const NULLABLE_FLAGS: ReadonlySet<string> = new Set(["foreach", "fused"]);

function didYouMean(option: string, defaults: object): string {
  const near = nearestOption(option, Object.keys(defaults));
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** What a training loop needs of an optimizer; several behind one face have it, too. */
export type AnyOptimizer = Pick<
  Optimizer,
  "paramGroups" | "state" | "step" | "zeroGrad" | "stateDict" | "loadStateDict"
> &
  Partial<Pick<Optimizer, "readsOnHost" | "skipsOnDevice" | "stepUnless">>;

/** Takes a state's tensors out of their scope: they live as long as the optimizer. */
function keepTensors(state: ParamState): ParamState {
  for (const value of Object.values(state)) {
    if (value instanceof Tensor) keep(value);
  }
  return state;
}

/** The learning rate as a number. */
export function learningRate(lr: number | Tensor): number {
  return lr instanceof Tensor ? valueOf(lr) : lr;
}
