import { types } from "node:util";
import {
  callable,
  checkArgument,
  checkOptions,
  flag,
  isPlainObject,
  limitArguments,
  refuseSurplus,
  show,
  text,
} from "../arguments";
import { noGrad } from "../autograd";
import type { DType } from "../dtype";
import { TorchError } from "../errors";
import { native } from "../addon";
import { keep } from "../scope";
import { OrderedDict } from "../serialization/python-values";
import { Tensor } from "../tensor";
import { refuseHidden } from "./hidden-contents";
import { convert, placement, replaceData } from "./placement";
import { toSnakeCase } from "./naming";
import { Parameter } from "./parameter";
import { indent } from "./repr";

/** What `loadStateDict` found beside the keys that match. */
export interface LoadResult {
  readonly missingKeys: string[];
  readonly unexpectedKeys: string[];
}

/** State dicts come as ordered maps from `stateDict()` and `load()`; plain objects are taken too. */
export type StateDict = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Runs before `forward`; what it returns replaces the arguments (an array) or the single argument. */
export type ForwardPreHook = (module: Module, inputs: unknown[]) => unknown;
/** Runs after `forward`; what it returns replaces the output. */
export type ForwardHook = (module: Module, inputs: unknown[], output: unknown) => unknown;

/** Undoes the registration that returned it. */
export interface HookHandle {
  remove(): void;
}

interface Hooks {
  readonly before: Set<ForwardPreHook>;
  readonly after: Set<ForwardHook>;
}

/**
 * Base of everything that has weights: `torch.nn.Module`.
 *
 * A module's own properties are its contents, in the order in which they are declared or first assigned: a
 * {@link Parameter} is a parameter, a {@link Module} is a child, a tensor given to {@link registerBuffer} is a buffer.
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

  /** State-dict name of each buffer → whether it is saved. */
  #buffers: Map<string, boolean> | null = null;
  #hooks: Hooks | null = null;

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
    checkArgument("registerBuffer", "name", name, text);
    if (tensor !== null && !(tensor instanceof Tensor))
      throw new TypeError(`registerBuffer: expected a tensor or null for "${name}", got ${show(tensor)}`);
    checkOptions("registerBuffer", options, { persistent: flag }, surplus);
    if (name === "" || name.includes(".")) {
      throw new TorchError(
        `registerBuffer: expected a property name without dots for a buffer of ${this.constructor.name}, got "${name}"`,
      );
    }
    if (tensor !== null) keep(tensor);
    this.#buffers ??= new Map();
    this.#buffers.set(toSnakeCase(name), options.persistent ?? true);
    (this as Record<string, unknown>)[name] = tensor;
    return tensor;
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
    if (buffers === null) return [];
    return members.filter(
      (member): member is [string, Tensor] => buffers.has(member[0]) && member[1] instanceof Tensor,
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

  /** This module (named `""` or `prefix`) and everything below it, parents before children; each module once. */
  namedModules(prefix = ""): [string, Module][] {
    const modules: [string, Module][] = [];
    this.#collectModules(prefix, modules, new Set());
    return modules;
  }

  #collectModules(name: string, into: [string, Module][], seen: Set<Module>): void {
    if (seen.has(this)) return;
    seen.add(this);
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
  namedParameters(prefix = ""): [string, Parameter][] {
    return this.#named(prefix, (module) => module.#ownParameters());
  }

  /** Parameters in the order of {@link namedParameters}: the order of optimizer states. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** Buffers with their paths, persistent or not; a shared buffer comes once. */
  namedBuffers(prefix = ""): [string, Tensor][] {
    return this.#named(prefix, (module) => module.#ownBuffers());
  }

  /** Buffers, persistent or not. */
  buffers(): Tensor[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  #named<T extends Tensor>(prefix: string, own: (module: Module) => [string, T][]): [string, T][] {
    const seen = new Set<T>();
    const named: [string, T][] = [];
    for (const [path, module] of this.namedModules(prefix)) {
      for (const [name, tensor] of own(module)) {
        if (seen.has(tensor)) continue;
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
    this.#collectState(options.prefix ?? "", state);
    if (!options.keepVars) {
      for (const [name, tensor] of state) state.set(name, tensor.detach());
    }
    return state;
  }

  /** Version of the layout of this module's own state, as PyTorch counts it; stored with every state dict. */
  protected get stateVersion(): number {
    return 1;
  }

  #collectState(prefix: string, into: OrderedDict<string, Tensor>): void {
    const versions = into.attributes._metadata as OrderedDict<string, { version: number }> | undefined;
    versions?.set(prefix.slice(0, -1), { version: this.stateVersion });
    const members = this.members();
    refuseHidden(this, members, (module) => module.members());
    for (const [name, parameter] of this.#ownParameters(members)) into.set(prefix + name, parameter);
    for (const [name, buffer] of this.#ownBuffers(members)) {
      if (this.bufferNames()?.get(name)) into.set(prefix + name, buffer);
    }
    for (const [name, child] of this.#ownChildren(members)) child.#collectState(`${prefix}${name}.`, into);
  }

  /**
   * Copies `state` into the parameters and buffers of the same names, converting dtype and device.
   *
   * All checks come first: when anything is wrong, the error lists every missing key, unexpected key (both only if
   * `strict`) and size mismatch, and the module is untouched.
   *
   * @returns the keys that `state` lacks and those that the module lacks.
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}, ...surplus: never[]): LoadResult {
    if (!types.isMap(state) && !isPlainObject(state))
      throw new TypeError(`loadStateDict: expected a state dict, a map of tensors by name, got ${show(state)}`);
    checkOptions("loadStateDict", options, { strict: flag }, surplus);
    const given = (types.isMap(state) ? state : new Map(Object.entries(state))) as ReadonlyMap<string, Tensor>;
    const targets = new OrderedDict<string, Tensor>();
    this.#collectState("", targets);

    const missingKeys = [...targets.keys()].filter((name) => !given.has(name));
    const unexpectedKeys = [...given.keys()].filter((name) => !targets.has(name));
    const problems: string[] = [];
    if (options.strict ?? true) {
      if (missingKeys.length > 0) problems.push(`Missing key(s) in state_dict: ${quoted(missingKeys)}.`);
      if (unexpectedKeys.length > 0) problems.push(`Unexpected key(s) in state_dict: ${quoted(unexpectedKeys)}.`);
    }
    for (const [name, target] of targets) {
      if (given.has(name)) problems.push(...mismatch(name, target, given.get(name)));
    }
    if (problems.length > 0) {
      throw new TorchError(`Error(s) in loading state_dict for ${this.constructor.name}:\n\t${problems.join("\n\t")}`);
    }

    noGrad(() => {
      for (const [name, target] of targets) {
        const source = given.get(name);
        if (source !== undefined) target.copy_(source);
      }
    });
    return { missingKeys, unexpectedKeys };
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

  /** Runs `hook` before every `forward` of this module. Modules without hooks pay nothing for the mechanism. */
  registerForwardPreHook(hook: ForwardPreHook, ...surplus: never[]): HookHandle {
    checkArgument("registerForwardPreHook", "hook", hook, callable);
    refuseSurplus("registerForwardPreHook", surplus);
    const { before } = this.#hooked();
    before.add(hook);
    return { remove: () => void before.delete(hook) };
  }

  /** Runs `hook` after every `forward` of this module. */
  registerForwardHook(hook: ForwardHook, ...surplus: never[]): HookHandle {
    checkArgument("registerForwardHook", "hook", hook, callable);
    refuseSurplus("registerForwardHook", surplus);
    const { after } = this.#hooked();
    after.add(hook);
    return { remove: () => void after.delete(hook) };
  }

  /** Callers use `forward` directly, so the first hook shadows it on the instance (not enumerable: no member). */
  #hooked(): Hooks {
    if (this.#hooks === null) {
      const hooks: Hooks = { before: new Set(), after: new Set() };
      const forward = this.forward.bind(this) as (...inputs: unknown[]) => unknown;
      const hooked = (...inputs: unknown[]): unknown => {
        for (const hook of hooks.before) {
          const replaced = hook(this, inputs);
          if (replaced !== undefined && replaced !== null) inputs = Array.isArray(replaced) ? replaced : [replaced];
        }
        let output = forward(...inputs);
        for (const hook of hooks.after) output = hook(this, inputs, output) ?? output;
        return output;
      };
      Object.defineProperty(this, "forward", { value: hooked, enumerable: false, configurable: true, writable: true });
      this.#hooks = hooks;
    }
    return this.#hooks;
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
  namedChildren: 0, children: 0, namedModules: 1, modules: 0, namedParameters: 1, parameters: 0, namedBuffers: 1, buffers: 0,
  getSubmodule: 1, eval: 0, float: 0, double: 0, half: 0, bfloat16: 0, cpu: 0, cuda: 1,
});

const ZERO_GRAD = { setToNone: flag };

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** What stands against copying `source` into `target`: nothing, or one sentence. */
function mismatch(name: string, target: Tensor, source: unknown): string[] {
  if (!(source instanceof Tensor)) {
    const got =
      source === null ? "null" : typeof source === "object" ? (source.constructor?.name ?? "object") : typeof source;
    return [`While copying the parameter named "${name}", expected a Tensor from the checkpoint but received ${got}.`];
  }
  const [given, own] = [source.shape, target.shape];
  if (given.length === own.length && given.every((size, d) => size === own[d])) return [];
  return [
    `size mismatch for ${name}: copying a param with shape [${given.join(", ")}] from checkpoint, ` +
      `the shape in current model is [${own.join(", ")}].`,
  ];
}
