import { types } from "node:util";
import {
  callable,
  checkArgument,
  checkOptions,
  flag,
  isPlainObject,
  limitArguments,
  nullable,
  refuseSurplus,
  show,
  text,
  device as deviceKind,
  type Kind,
} from "../arguments";
import { noGrad } from "../autograd";
import { copyProperties, DEEPCOPY, refuseUncopyable, type CopyInside } from "../deepcopy";
import type { DType } from "../dtype";
import { TorchError } from "../errors";
import { native } from "../addon";
import { emptyLike } from "../operators.generated";
import { keep } from "../scope";
import { OrderedDict } from "../serialization/python-values";
import { Tensor } from "../tensor";
import { forJson, unclonable } from "../unclonable";
import { Buffer } from "./buffer";
import { refuseHidden } from "./hidden-contents";
import {
  callWithHooks,
  ModuleHooks,
  type BackwardHook,
  type BackwardPreHook,
  type ForwardHook,
  type ForwardHookOptions,
  type ForwardPreHook,
  type HookHandle,
  type HookOptions,
  type LoadStateDictPostHook,
  type LoadStateDictPreHook,
  type StateDictPostHook,
  type StateDictPreHook,
} from "./hooks";
import { convert, placement, replaceData, takeData } from "./placement";
import { toCamelCase, toSnakeCase } from "./naming";
import { Parameter } from "./parameter";
import { indent } from "./repr";
import {
  collectState,
  loadState,
  type LoadOptions,
  type LoadResult,
  type StateDict,
  type StatePart,
} from "./state-dict";

/** Which contents are listed. */
export interface ListOptions {
  /** Also those of the modules below (default true). */
  recurse?: boolean;
  /** List what is held twice once, under its first name (default true). */
  removeDuplicate?: boolean;
}

/** What stands around a module's `forward`, as the property `forward` of the one module. */
export type ForwardWrapper = (
  module: Module,
  forward: (...inputs: unknown[]) => unknown,
) => (...inputs: unknown[]) => unknown;

const ADVICE = unclonable(
  () => "a module is not plain data: deepcopy(module) copies it, save(module.stateDict(), path) writes its weights",
);

/**
 * Base of everything that has weights: `torch.nn.Module`.
 *
 * A module's own properties are its contents, in the order in which they are declared or first assigned: a
 * {@link Parameter} is a parameter, a {@link Module} is a child, a {@link Buffer} or a tensor given to {@link registerBuffer} is a buffer.
 * Everything else (numbers, configs, `null`, plain tensors, `#private` fields) is not part of the state. Nothing is
 * recorded at assignment, so a parameter or child that replaces another is picked up by the next call. Modules and
 * parameters in an array, map or object belong in a {@link ModuleList} or its relatives: the first use says so.
 *
 * State-dict keys are the snake_case of the property path: `this.attentionBlock.qkv.weight` is `attention_block.qkv.weight`.
 *
 * @example
 * class Mlp extends nn.Module {
 *   readonly fc1: nn.Linear;
 *   readonly fc2: nn.Linear;
 *   constructor(width: number) {
 *     super();
 *     this.fc1 = new nn.Linear(width, 4 * width);
 *     this.fc2 = new nn.Linear(4 * width, width);
 *   }
 *   forward(x: Tensor): Tensor {
 *     return this.fc2.forward(gelu(this.fc1.forward(x)));
 *   }
 * }
 */
export abstract class Module {
  /** True while training; switched by {@link train} and {@link eval}. */
  training = true;

  /** @internal What `structuredClone`, `postMessage`, `v8.serialize` and JSON refuse, with their reason. */
  readonly unclonable = ADVICE;

  /** State-dict name of each buffer → whether it is saved. */
  #buffers: Map<string, boolean> | null = null;
  #hooks: ModuleHooks | null = null;
  #wrappers: ForwardWrapper[] = [];

  /** State beside parameters and buffers, for the state dict, where it is called `_extra_state`; with {@link setExtraState}. */
  getExtraState?(): unknown;

  /** Takes up what {@link getExtraState} gave. */
  setExtraState?(state: unknown): void;

  /** Computes the output. Each module narrows the argument and return types. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the signature differs from module to module, as in PyTorch
  abstract forward(...inputs: any[]): any;

  // ---- contents

  /** Everything that may be a parameter, buffer or child, by state-dict name. Containers with names of their own override it. */
  protected members(): [name: string, value: unknown][] {
    const members = Object.entries(this) as [string, unknown][];
    for (const member of members) member[0] = toSnakeCase(member[0]);
    return members;
  }

  /**
   * Makes `tensor` a buffer: state that is not a parameter (running statistics, fixed tables). It moves with
   * {@link to} and, unless `persistent` is false, is part of the state dict.
   *
   * Returns the tensor, so that a typed field can be declared with it:
   * `readonly omega = this.registerBuffer("omega", omega, { persistent: false })`.
   * The tensor is taken out of its scope; one that is assigned to the property later needs `keep()` for that.
   *
   * @param name the property's name.
   */
  registerBuffer<T extends Tensor | null>(
    name: string,
    tensor: T,
    options: { persistent?: boolean } = {},
    ...surplus: never[]
  ): T {
    this.#checkName("registerBuffer", name);
    if (tensor !== null && !(tensor instanceof Tensor))
      throw new TypeError(`registerBuffer: expected a tensor or null for "${name}", got ${show(tensor)}`);
    checkOptions("registerBuffer", options, { persistent: flag }, surplus);
    if (tensor !== null) keep(tensor);
    this.#buffers ??= new Map();
    this.#buffers.set(toSnakeCase(name), options.persistent ?? true);
    (this as Record<string, unknown>)[name] = tensor;
    return tensor;
  }

  /**
   * The same as an assignment, `this[name] = parameter`, with checks; returns the parameter.
   *
   * @param name the property's name.
   * @throws TorchError where the property holds something else.
   */
  registerParameter<T extends Parameter | null>(name: string, parameter: T, ...surplus: never[]): T {
    this.#checkName("registerParameter", name);
    checkArgument("registerParameter", `"${name}"`, parameter, nullable(PARAMETER));
    refuseSurplus("registerParameter", surplus);
    this.#checkFree("registerParameter", name, Parameter);
    this.setMember(name, parameter);
    return parameter;
  }

  /**
   * The same as an assignment, `this[name] = module`, with checks; returns the module.
   *
   * @param name the property's name.
   * @throws TorchError where the property holds something else.
   */
  addModule<T extends Module | null>(name: string, module: T, ...surplus: never[]): T {
    this.#checkName("addModule", name);
    checkArgument("addModule", `"${name}"`, module, nullable(MODULE));
    refuseSurplus("addModule", surplus);
    this.#checkFree("addModule", name, Module);
    this.setMember(name, module);
    return module;
  }

  /** Another name of {@link addModule}. */
  registerModule<T extends Module | null>(name: string, module: T, ...surplus: never[]): T {
    return this.addModule(name, module, ...surplus);
  }

  /** Assigns a parameter or child. Containers with names of their own override it. */
  protected setMember(name: string, value: Tensor | Module | null): void {
    (this as Record<string, unknown>)[name] = value;
  }

  #checkName(where: string, name: string): void {
    checkArgument(where, "name", name, text);
    if (name !== "" && !name.includes(".")) return;
    throw new TorchError(
      `${where}: expected a property name without dots for a member of ${this.constructor.name}, got "${name}"`,
    );
  }

  #checkFree(where: string, name: string, kind: typeof Parameter | typeof Module): void {
    const held = (this as Record<string, unknown>)[name];
    if (held === undefined || held === null || held instanceof kind) return;
    throw new TorchError(
      `${where}: expected a property of ${this.constructor.name} that is free, got "${name}", which holds ${show(held)}`,
    );
  }

  #ownParameters(members = this.members()): [string, Parameter][] {
    return members.filter((member): member is [string, Parameter] => member[1] instanceof Parameter);
  }

  /** State-dict name of each buffer → whether it is saved. Modules whose contents come from elsewhere override it. */
  protected bufferNames(): ReadonlyMap<string, boolean> | null {
    return this.#buffers;
  }

  #ownBuffers(members = this.members()): [string, Tensor][] {
    const buffers = this.bufferNames();
    return members.filter(
      (member): member is [string, Tensor] =>
        member[1] instanceof Buffer || (buffers?.has(member[0]) === true && member[1] instanceof Tensor),
    );
  }

  #ownChildren(members = this.members()): [string, Module][] {
    return members.filter((member): member is [string, Module] => member[1] instanceof Module);
  }

  /** Direct children with their names; a child that is held twice comes once. */
  namedChildren(): [string, Module][] {
    refuseHidden(this, this.members(), (module) => module.members());
    const seen = new Set<Module>();
    return this.#ownChildren().filter(([, child]) => !seen.has(child) && seen.add(child));
  }

  /** Direct children; a child that is held twice comes once. */
  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /**
   * This module (named `""` or `prefix`) and everything below it, parents before children; each module once, unless
   * `removeDuplicate` is false.
   */
  namedModules(prefix = "", options: Pick<ListOptions, "removeDuplicate"> = {}): [string, Module][] {
    checkOptions("namedModules", options, { removeDuplicate: flag });
    const modules: [string, Module][] = [];
    this.#collectModules(prefix, modules, (options.removeDuplicate ?? true) ? new Set() : null);
    return modules;
  }

  #collectModules(name: string, into: [string, Module][], seen: Set<Module> | null): void {
    if (seen?.has(this)) return;
    seen?.add(this);
    into.push([name, this]);
    const members = this.members();
    refuseHidden(this, members, (module) => module.members());
    for (const [childName, child] of this.#ownChildren(members)) {
      child.#collectModules(name === "" ? childName : `${name}.${childName}`, into, seen);
    }
  }

  /** This module and everything below it; each module once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** Parameters with their paths, own ones before the children's; a shared parameter comes once, under its first name. */
  namedParameters(prefix = "", options: ListOptions = {}): [string, Parameter][] {
    checkOptions("namedParameters", options, LIST);
    return this.#named(prefix, options, (module) => module.#ownParameters());
  }

  /** Parameters in the order of {@link namedParameters}: the order of optimizer states. */
  parameters(options: Pick<ListOptions, "recurse"> = {}): Parameter[] {
    checkOptions("parameters", options, RECURSE);
    return this.namedParameters("", options).map(([, parameter]) => parameter);
  }

  /** Buffers with their paths, persistent or not; a shared buffer comes once. */
  namedBuffers(prefix = "", options: ListOptions = {}): [string, Tensor][] {
    checkOptions("namedBuffers", options, LIST);
    return this.#named(prefix, options, (module) => module.#ownBuffers());
  }

  /** Buffers, persistent or not. */
  buffers(options: Pick<ListOptions, "recurse"> = {}): Tensor[] {
    checkOptions("buffers", options, RECURSE);
    return this.namedBuffers("", options).map(([, buffer]) => buffer);
  }

  #named<T extends Tensor>(
    prefix: string,
    { recurse = true, removeDuplicate = true }: ListOptions,
    own: (module: Module) => [string, T][],
  ): [string, T][] {
    const seen = new Set<T>();
    const named: [string, T][] = [];
    const modules: [string, Module][] = recurse ? this.namedModules(prefix, { removeDuplicate }) : [[prefix, this]];
    for (const [path, module] of modules) {
      for (const [name, tensor] of own(module)) {
        if (removeDuplicate && seen.has(tensor)) continue;
        seen.add(tensor);
        named.push([path === "" ? name : `${path}.${name}`, tensor]);
      }
    }
    return named;
  }

  /** Number of weights: entries of all parameters, of those that train if `trainable`. */
  numParameters(options: { trainable?: boolean } = {}, ...surplus: never[]): number {
    checkOptions("numParameters", options, { trainable: flag }, surplus);
    let count = 0;
    for (const parameter of this.parameters()) {
      if (!options.trainable || parameter.requiresGrad) count += parameter.numel();
    }
    return count;
  }

  /**
   * The module at a dotted path of state-dict names (`"blocks.0.mlp"`), this one for `""`.
   *
   * @throws TorchError when there is none.
   */
  getSubmodule(path: string): Module {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the walk starts here
    let module: Module = this;
    for (const name of path === "" ? [] : path.split(".")) {
      const child = module.#ownChildren().find(([childName]) => childName === name)?.[1];
      if (child === undefined) {
        const names = module.#ownChildren().map(([childName]) => childName);
        throw new TorchError(
          `getSubmodule("${path}"): expected a child of ${module.constructor.name} (${names.join(", ") || "it has none"}), got "${name}"`,
        );
      }
      module = child;
    }
    return module;
  }

  /** The parameter at a dotted path of state-dict names. @throws TorchError when there is none. */
  getParameter(path: string): Parameter {
    return this.#memberAt("getParameter", "parameter", path, (module) => module.#ownParameters());
  }

  /** The buffer at a dotted path of state-dict names. @throws TorchError when there is none. */
  getBuffer(path: string): Tensor {
    return this.#memberAt("getBuffer", "buffer", path, (module) => module.#ownBuffers());
  }

  #memberAt<T extends Tensor>(where: string, kind: string, path: string, own: (module: Module) => [string, T][]): T {
    checkArgument(where, "path", path, text);
    const end = path.lastIndexOf(".");
    const module = this.getSubmodule(path.slice(0, Math.max(0, end)));
    const tensors = own(module);
    const found = tensors.find(([name]) => name === path.slice(end + 1))?.[1];
    if (found !== undefined) return found;
    const names = tensors.map(([name]) => name).join(", ");
    throw new TorchError(
      `${where}("${path}"): expected a ${kind} of ${module.constructor.name} (${names || "it has none"}), got "${path.slice(end + 1)}"`,
    );
  }

  /**
   * Puts a module at a dotted path of state-dict names, in place of the one that is there or, unless `strict`, as a new child
   * of a module that is there.
   *
   * @throws TorchError where there is no such place.
   */
  setSubmodule(path: string, module: Module, options: { strict?: boolean } = {}, ...surplus: never[]): void {
    checkArgument("setSubmodule", "path", path, text);
    checkArgument("setSubmodule", "module", module, MODULE);
    checkOptions("setSubmodule", options, { strict: flag }, surplus);
    const end = path.lastIndexOf(".");
    const parent = this.getSubmodule(path.slice(0, Math.max(0, end)));
    const name = path.slice(end + 1);
    if (name === "") throw new TorchError(`setSubmodule: expected the path of a child, got "${path}"`);
    if (options.strict) this.getSubmodule(path);
    const property = Object.keys(parent).find((key) => toSnakeCase(key) === name) ?? toCamelCase(name);
    parent.#checkFree("setSubmodule", property, Module);
    parent.setMember(parent.members().some(([key]) => key === property) ? name : property, module);
  }

  // ---- state

  /**
   * Parameters and persistent buffers by path, in PyTorch's order: own parameters, own buffers, then the children's.
   * Tensors are detached and share memory with the module, unless `keepVars` asks for the parameters themselves. As in
   * PyTorch, `attributes._metadata` holds the version of each module.
   */
  stateDict(options: { prefix?: string; keepVars?: boolean } = {}, ...surplus: never[]): OrderedDict<string, Tensor> {
    checkOptions("stateDict", options, { prefix: text, keepVars: flag }, surplus);
    const state = new OrderedDict<string, Tensor>();
    state.attributes._metadata = new OrderedDict<string, { version: number }>();
    collectState(this.#statePart(options.prefix ?? ""), state, options.keepVars ?? false);
    return state;
  }

  /** Version of the layout of this module's own state, as PyTorch counts it; stored with every state dict. */
  protected get stateVersion(): number {
    return 1;
  }

  #statePart(prefix: string): StatePart {
    const contents = (): [string, unknown][] => {
      const members = this.members();
      refuseHidden(this, members, (module) => module.members());
      return members;
    };
    return {
      module: this,
      prefix,
      version: this.stateVersion,
      hooks: this.#hooks,
      tensors: () => {
        const members = contents();
        const saved = this.bufferNames();
        const buffers = this.#ownBuffers(members).filter(([name, buffer]) =>
          buffer instanceof Buffer ? buffer.persistent : saved?.get(name),
        );
        return [...this.#ownParameters(members), ...buffers].map(([name, tensor]) => [prefix + name, tensor]);
      },
      children: () => this.#ownChildren(contents()).map(([name, child]) => child.#statePart(`${prefix}${name}.`)),
    };
  }

  /**
   * Copies `state` into the parameters and buffers of the same names, converting dtype and device.
   *
   * All checks come first: when anything is wrong, the error lists every missing key, unexpected key (both only if
   * `strict`) and size mismatch, and the module is untouched. With `assign` the tensors of `state` become the data of the
   * parameters and buffers, with their dtype and device.
   *
   * @returns the keys that `state` lacks and those that the module lacks.
   */
  loadStateDict(state: StateDict, options: LoadOptions = {}, ...surplus: never[]): LoadResult {
    if (!types.isMap(state) && !isPlainObject(state))
      throw new TypeError(`loadStateDict: expected a state dict, a map of tensors by name, got ${show(state)}`);
    checkOptions("loadStateDict", options, { strict: flag, assign: flag }, surplus);
    const given = (types.isMap(state) ? state : new Map(Object.entries(state))) as ReadonlyMap<string, Tensor>;
    return loadState(this.#statePart(""), given, options);
  }

  // ---- switches

  /** Sets {@link training} here and below. */
  train(mode = true, ...surplus: never[]): this {
    checkArgument("train", "mode", mode, flag);
    refuseSurplus("train", surplus);
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Evaluation mode: dropout passes through, batch norm uses its running statistics. */
  eval(): this {
    return this.train(false);
  }

  /** Lets gradients be recorded (or not) for every parameter. */
  requiresGrad_(requiresGrad = true, ...surplus: never[]): this {
    checkArgument("requiresGrad_", "requiresGrad", requiresGrad, flag);
    refuseSurplus("requiresGrad_", surplus);
    for (const parameter of this.parameters()) parameter.requiresGrad = requiresGrad;
    return this;
  }

  /** Drops every gradient, or with `setToNone: false` zeroes it. */
  zeroGrad(options: { setToNone?: boolean } = {}, ...surplus: never[]): void {
    checkOptions("zeroGrad", options, ZERO_GRAD, surplus);
    native.zeroGrads(
      this.parameters().map((parameter) => parameter.handle),
      options.setToNone ?? true,
    );
  }

  /** Calls `fn` on every module below and then on this one (children first), e.g. to initialise weights. */
  apply(fn: (module: Module) => void, ...surplus: never[]): this {
    checkArgument("apply", "fn", fn, callable);
    refuseSurplus("apply", surplus);
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  // ---- device and dtype

  /**
   * Moves parameters, their gradients and buffers to a device and/or a floating point dtype, in place: the tensors
   * stay the same objects, so optimizers and shared weights keep working. The dtype changes floating point tensors
   * only; integer and complex ones keep theirs (PyTorch would drop the imaginary part).
   *
   * @example model.to("cuda:0"); model.to("float64"); model.to("cuda:0", "bfloat16"); model.to({ device, dtype });
   */
  to(target: string | { device?: string; dtype?: DType }, dtype?: DType, ...surplus: never[]): this {
    const where = `${this.constructor.name}.to`;
    refuseSurplus(where, surplus);
    const wanted = placement(where, target, dtype);
    noGrad(() => {
      for (const parameter of this.parameters()) {
        const gradient = parameter.grad;
        // A gradient must fit its tensor at every moment, so it leaves first and comes back converted.
        parameter.grad = null;
        replaceData(parameter, wanted);
        if (gradient !== null) parameter.grad = convert(gradient, wanted);
      }
      for (const buffer of this.buffers()) replaceData(buffer, wanted);
    });
    return this;
  }

  /** Gives parameters and buffers memory on another device, with anything in it: a module from `"meta"`, before weights are loaded. */
  toEmpty(options: { device: string }, ...surplus: never[]): this {
    checkOptions("toEmpty", options, { device: deviceKind }, surplus);
    if (options?.device === undefined) throw new TypeError("toEmpty: expected { device }, got none");
    for (const tensor of [...this.parameters(), ...this.buffers()]) {
      const data = noGrad(() => emptyLike(tensor, { device: options.device }));
      tensor.grad = null;
      takeData(tensor, data);
      data.dispose();
    }
    return this;
  }

  /** All floating point parameters and buffers to float32. */
  float(): this {
    return this.to("float32");
  }

  /** All floating point parameters and buffers to float64. */
  double(): this {
    return this.to("float64");
  }

  /** All floating point parameters and buffers to float16. */
  half(): this {
    return this.to("float16");
  }

  /** All floating point parameters and buffers to bfloat16. */
  bfloat16(): this {
    return this.to("bfloat16");
  }

  /** To the CPU. */
  cpu(): this {
    return this.to("cpu");
  }

  /** To a CUDA device. */
  cuda(index = 0): this {
    return this.to(`cuda:${index}`);
  }

  // ---- hooks

  /** Runs `hook(module, inputs)` before every `forward` of this module. Modules without hooks pay nothing for the mechanism. */
  registerForwardPreHook(hook: ForwardPreHook, options: HookOptions = {}, ...surplus: never[]): HookHandle {
    return this.#hooked(true).forwardPre.add("registerForwardPreHook", hook, options, surplus);
  }

  /** Runs `hook(module, inputs, output)` after every `forward` of this module. */
  registerForwardHook(hook: ForwardHook, options: ForwardHookOptions = {}, ...surplus: never[]): HookHandle {
    return this.#hooked(true).forward.add("registerForwardHook", hook, options, surplus);
  }

  /** Runs `hook(module, gradOutput)` in the backward pass, when the gradients of the module's outputs are known. */
  registerFullBackwardPreHook(hook: BackwardPreHook, options: HookOptions = {}, ...surplus: never[]): HookHandle {
    return this.#hooked(true).backwardPre.add("registerFullBackwardPreHook", hook, options, surplus);
  }

  /**
   * Runs `hook(module, gradInput, gradOutput)` in the backward pass, when the gradients of the module's inputs are known: of the
   * arguments that are tensors (not of those in options), and of outputs that are a tensor or in an array or object.
   */
  registerFullBackwardHook(hook: BackwardHook, options: HookOptions = {}, ...surplus: never[]): HookHandle {
    return this.#hooked(true).backward.add("registerFullBackwardHook", hook, options, surplus);
  }

  /** Runs `hook(module, prefix, keepVars)` before {@link stateDict} collects this module's state. */
  registerStateDictPreHook(hook: StateDictPreHook, ...surplus: never[]): HookHandle {
    return this.#hooked(false).stateDictPre.add("registerStateDictPreHook", hook, {}, surplus);
  }

  /** Runs `hook(module, stateDict, prefix, localMetadata)` when {@link stateDict} has this module's and its children's state. */
  registerStateDictPostHook(hook: StateDictPostHook, ...surplus: never[]): HookHandle {
    return this.#hooked(false).stateDictPost.add("registerStateDictPostHook", hook, {}, surplus);
  }

  /** Runs `hook(module, stateDict, prefix, localMetadata, strict, missingKeys, unexpectedKeys, errorMessages)` before {@link loadStateDict}. */
  registerLoadStateDictPreHook(hook: LoadStateDictPreHook, ...surplus: never[]): HookHandle {
    return this.#hooked(false).loadPre.add("registerLoadStateDictPreHook", hook, {}, surplus);
  }

  /** Runs `hook(module, { missingKeys, unexpectedKeys })` after {@link loadStateDict}, before missing keys become an error. */
  registerLoadStateDictPostHook(hook: LoadStateDictPostHook, ...surplus: never[]): HookHandle {
    return this.#hooked(false).loadPost.add("registerLoadStateDictPostHook", hook, {}, surplus);
  }

  #hooked(inForward: boolean): ModuleHooks {
    this.#hooks ??= new ModuleHooks();
    if (inForward && !this.#wrappers.includes(withHooks)) this.wrapForward(withHooks);
    return this.#hooks;
  }

  /**
   * @internal Puts something around `forward`. Callers use `forward` directly, so it is shadowed on the instance (not enumerable: no
   * member).
   */
  wrapForward(wrapper: ForwardWrapper): void {
    this.#wrappers.push(wrapper);
    const value = wrapper(this, this.forward.bind(this) as (...inputs: unknown[]) => unknown);
    Object.defineProperty(this, "forward", { value, enumerable: false, configurable: true, writable: true });
  }

  /** @internal Whether {@link wrapForward} was given this. */
  isWrappedBy(wrapper: ForwardWrapper): boolean {
    return this.#wrappers.includes(wrapper);
  }

  /** @internal Forward hooks around a call. */
  static callHooked(module: Module, forward: (...inputs: unknown[]) => unknown, inputs: unknown[]): unknown {
    return callWithHooks(module, module.#hooks!, forward, inputs);
  }

  // ---- copies

  /** One of the same class without members. Containers with members in `#private` fields override it. */
  protected emptyCopy(): this {
    return Reflect.construct(Module, [], this.constructor as new () => this) as this;
  }

  /** @internal See `deepcopy`. */
  [DEEPCOPY](copy: CopyInside, made: (copy: object) => void): this {
    let owner = Object.getPrototypeOf(this) as object;
    while (!Object.hasOwn(owner, "emptyCopy")) owner = Object.getPrototypeOf(owner) as object;
    refuseUncopyable(this, "", owner);
    const result = this.emptyCopy();
    made(result);
    copyProperties(this, result, copy, new Set(this.#wrappers.length > 0 ? ["forward", "unclonable"] : ["unclonable"]));
    result.#buffers = this.#buffers === null ? null : new Map(this.#buffers);
    result.#hooks = this.#hooks?.copy() ?? null;
    for (const wrapper of this.#wrappers) result.wrapForward(wrapper);
    return result;
  }

  /** @throws TypeError (`JSON.stringify`) that says how to write or copy a module. */
  toJSON(key?: string): this | string {
    return forJson(this, key, () => this.toString());
  }

  // ---- printing

  /** The part between the parentheses of a module without children: `in_features=2, out_features=3, bias=True`. */
  protected extraRepr(): string {
    return "";
  }

  /** Children as printed; containers may fold equal neighbours. */
  protected childrenRepr(): [label: string, text: string][] {
    return this.#ownChildren().map(([name, child]) => [`(${name}): `, child.toString()]);
  }

  /** As PyTorch prints modules. */
  toString(): string {
    const name = this.constructor.name;
    const extra = this.extraRepr();
    const children = this.childrenRepr().map(([label, text]) => label + indent(text, 2));
    if (children.length === 0) return extra.includes("\n") ? `${name}(\n  ${indent(extra, 2)}\n)` : `${name}(${extra})`;
    const lines = extra === "" ? children : [...extra.split("\n"), ...children];
    return `${name}(\n  ${lines.join("\n  ")}\n)`;
  }

  /** `console.log(module)` prints {@link toString}. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

// prettier-ignore
limitArguments(Module.prototype, {
  namedChildren: 0, children: 0, namedModules: 2, modules: 0, namedParameters: 2, parameters: 1, namedBuffers: 2, buffers: 1,
  getSubmodule: 1, getParameter: 1, getBuffer: 1, eval: 0, float: 0, double: 0, half: 0, bfloat16: 0, cpu: 0, cuda: 1,
});

const ZERO_GRAD = { setToNone: flag };
const LIST = { recurse: flag, removeDuplicate: flag };
const RECURSE = { recurse: flag };
const PARAMETER: Kind = { text: "a parameter", accepts: (value) => value instanceof Parameter };
const MODULE: Kind = { text: "a module", accepts: (value) => value instanceof Module };

const withHooks: ForwardWrapper =
  (module, forward) =>
  (...inputs) =>
    Module.callHooked(module, forward, inputs);
