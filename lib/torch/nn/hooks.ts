/** Functions that run around a module's `forward`, its backward pass, and its state dict. */
import { checkArgument, checkOptions, callable, flag, isPlainObject, show, type OptionKinds } from "../arguments";
import { Function, type FunctionContext, isGradEnabled } from "../autograd";
import { TorchError } from "../errors";
import { keep, release } from "../scope";
import type { OrderedDict } from "../serialization/python-values";
import { Tensor } from "../tensor";
import type { Module } from "./module";

/** Runs before `forward`; what it returns replaces the arguments (an array) or the single argument. */
export type ForwardPreHook = (module: Module, inputs: unknown[]) => unknown;

/** Runs after `forward`; what it returns replaces the output. */
export type ForwardHook = (module: Module, inputs: unknown[], output: unknown) => unknown;

/** Gradients in the order of the arguments, or of the outputs; null for what is no tensor or takes no gradient. */
export type Gradients = readonly (Tensor | null)[];

/**
 * Runs when the gradients of the module's outputs are known; what it returns (a tensor, or one for each output) replaces them. The
 * gradients are freed after the backward pass of the module: `keep(gradient)` or `gradient.clone()` holds one longer.
 */
export type BackwardPreHook = (module: Module, gradOutput: Gradients) => Tensor | Gradients | null | undefined | void;

/** Runs when the gradients of the module's inputs are known; what it returns replaces them. See {@link BackwardPreHook}. */
export type BackwardHook = (
  module: Module,
  gradInput: Gradients,
  gradOutput: Gradients,
) => Tensor | Gradients | null | undefined | void;

/** Runs before the module's part of a state dict is collected. */
export type StateDictPreHook = (module: Module, prefix: string, keepVars: boolean) => void;

/** Runs when the state of the module and its children is in the state dict, which it may change. */
export type StateDictPostHook = (
  module: Module,
  stateDict: OrderedDict<string, Tensor>,
  prefix: string,
  localMetadata: { version: number },
) => void;

/**
 * Runs before the module's part of a state dict is loaded. The state dict is a copy: keys that the hook renames or removes stay in the
 * caller's. Names that it adds to the lists are reported with the others.
 */
export type LoadStateDictPreHook = (
  module: Module,
  stateDict: Map<string, Tensor>,
  prefix: string,
  localMetadata: Readonly<Record<string, unknown>>,
  strict: boolean,
  missingKeys: string[],
  unexpectedKeys: string[],
  errorMessages: string[],
) => void;

/** Runs after the module's state was loaded. Keys that it takes out of the lists are no errors. */
export type LoadStateDictPostHook = (
  module: Module,
  incompatibleKeys: { readonly missingKeys: string[]; readonly unexpectedKeys: string[] },
) => void;

/** Undoes the registration that returned it. */
export interface HookHandle {
  remove(): void;
}

/** Options of a hook's registration. */
export interface HookOptions {
  /** Run before the hooks that are registered already (default: after them). */
  prepend?: boolean;
}

/** Options of {@link Module.registerForwardHook}. */
export interface ForwardHookOptions extends HookOptions {
  /** Run also when `forward` or another hook throws, with null for the output (default false). */
  alwaysCall?: boolean;
}

const COMMON: OptionKinds = { prepend: flag };
const FORWARD: OptionKinds = { ...COMMON, alwaysCall: flag };

interface Entry<Hook> {
  readonly hook: Hook;
  readonly alwaysCall: boolean;
}

/** Hooks of one kind, in the order in which they run. One that is removed while they run has its last run. */
class HookList<Hook> {
  #entries: readonly Entry<Hook>[] = [];

  get entries(): readonly Entry<Hook>[] {
    return this.#entries;
  }

  add(where: string, hook: Hook, options: ForwardHookOptions, surplus: readonly unknown[]): HookHandle {
    checkArgument(where, "hook", hook, callable);
    checkOptions(where, options, where === "registerForwardHook" ? FORWARD : COMMON, surplus);
    const entry = { hook, alwaysCall: options.alwaysCall ?? false };
    this.#entries = options.prepend ? [entry, ...this.#entries] : [...this.#entries, entry];
    return {
      remove: () => {
        this.#entries = this.#entries.filter((each) => each !== entry);
      },
    };
  }

  copyOf(other: HookList<Hook>): void {
    this.#entries = other.entries;
  }
}

/** All hooks of one module. */
export class ModuleHooks {
  readonly forwardPre = new HookList<ForwardPreHook>();
  readonly forward = new HookList<ForwardHook>();
  readonly backwardPre = new HookList<BackwardPreHook>();
  readonly backward = new HookList<BackwardHook>();
  readonly stateDictPre = new HookList<StateDictPreHook>();
  readonly stateDictPost = new HookList<StateDictPostHook>();
  readonly loadPre = new HookList<LoadStateDictPreHook>();
  readonly loadPost = new HookList<LoadStateDictPostHook>();

  /** The same functions, registered for a copy of the module. */
  copy(): ModuleHooks {
    const copy = new ModuleHooks();
    for (const [kind, list] of Object.entries(this) as [keyof ModuleHooks, HookList<unknown>][])
      (copy[kind] as HookList<unknown>).copyOf(list);
    return copy;
  }
}

/** Runs `forward` with the hooks around it, in PyTorch's order. */
export function callWithHooks(
  module: Module,
  hooks: ModuleHooks,
  forward: (...inputs: unknown[]) => unknown,
  inputs: unknown[],
): unknown {
  const called = new Set<unknown>();
  try {
    for (const { hook } of hooks.forwardPre.entries) {
      const replaced = hook(module, inputs);
      if (replaced !== undefined && replaced !== null) inputs = Array.isArray(replaced) ? replaced : [replaced];
    }
    const backward = BackwardWatch.of(module, hooks);
    let output = forward(...(backward?.watchInputs(inputs) ?? inputs));
    for (const entry of hooks.forward.entries) {
      called.add(entry);
      output = entry.hook(module, inputs, output) ?? output;
    }
    return backward === null ? output : backward.watchOutputs(output);
  } catch (error) {
    for (const entry of hooks.forward.entries) {
      if (!entry.alwaysCall || called.has(entry)) continue;
      try {
        entry.hook(module, inputs, null);
      } catch (further) {
        process.emitWarning(
          `${module.constructor.name}: a hook with alwaysCall threw, too, and the first error counts: ${String(further)}`,
          "TorchWarning",
        );
      }
    }
    throw error;
  }
}

/** Hands tensors through, and their gradients to a function on the way back. */
class Watched extends Function {
  static forward(context: FunctionContext, seen: (gradients: Gradients) => Gradients, ...tensors: Tensor[]): Tensor[] {
    context["seen"] = seen;
    return tensors;
  }

  static backward(context: FunctionContext, ...gradients: (Tensor | null)[]): (Tensor | null)[] {
    return [null, ...(context["seen"] as (gradients: Gradients) => Gradients)(gradients)];
  }
}

/** Watches the gradients of one call of a module. */
class BackwardWatch {
  #gradOutput: Gradients | null = null;
  #inputCount = 0;
  #watchesInputs = false;

  private constructor(
    private readonly module: Module,
    private readonly before: readonly Entry<BackwardPreHook>[],
    private readonly after: readonly Entry<BackwardHook>[],
  ) {}

  /** Null where the module has no such hooks, or nothing is recorded. */
  static of(module: Module, { backwardPre, backward }: ModuleHooks): BackwardWatch | null {
    if (backwardPre.entries.length + backward.entries.length === 0 || !isGradEnabled()) return null;
    return new BackwardWatch(module, backwardPre.entries, backward.entries);
  }

  watchInputs(inputs: readonly unknown[]): unknown[] {
    this.#inputCount = inputs.length;
    const watched = watch(inputs, (gradInput) => this.#inputsSeen(gradInput));
    this.#watchesInputs = watched !== null;
    return watched ?? [...inputs];
  }

  watchOutputs(output: unknown): unknown {
    const seen = (gradOutput: Gradients): Gradients => this.#outputsSeen(gradOutput);
    if (Array.isArray(output)) return watch(output, seen) ?? (output as unknown);
    if (isPlainObject(output)) {
      const values = watch(Object.values(output), seen);
      return values === null ? output : Object.fromEntries(Object.keys(output).map((key, i) => [key, values[i]]));
    }
    return watch([output], seen)?.[0] ?? output;
  }

  #outputsSeen(gradOutput: Gradients): Gradients {
    const { name } = this.module.constructor;
    for (const { hook } of this.before)
      gradOutput = replaced(`${name}: a backward pre-hook`, hook(this.module, gradOutput), gradOutput);
    if (this.#watchesInputs) this.#gradOutput = keep(gradOutput);
    else {
      const none = new Array<null>(this.#inputCount).fill(null);
      for (const { hook } of this.after) {
        const given = replaced(`${name}: a backward hook`, hook(this.module, none, gradOutput), none);
        if (given.some((gradient) => gradient !== null))
          throw new TorchError(
            `${name}: expected nothing from a backward hook, as no input of the module takes a gradient, got a gradient`,
          );
      }
    }
    return gradOutput;
  }

  #inputsSeen(gradInput: Gradients): Gradients {
    const { name } = this.module.constructor;
    const gradOutput = this.#gradOutput;
    if (gradOutput === null)
      throw new TorchError(
        `${name}: expected gradients to reach the module's inputs through its outputs, got some on another way ` +
          "(a tensor of inside that was used outside); register the backward hook on a module that contains all uses",
      );
    this.#gradOutput = null;
    for (const gradient of gradOutput) if (gradient !== null) release(gradient);
    for (const { hook } of this.after)
      gradInput = replaced(`${name}: a backward hook`, hook(this.module, gradInput, gradOutput), gradInput);
    return gradInput;
  }
}

/** The values with their tensors handed through, or null where none of them takes a gradient. */
function watch(values: readonly unknown[], seen: (gradients: Gradients) => Gradients): unknown[] | null {
  const positions = [...values.keys()].filter((i) => {
    const value = values[i];
    return value instanceof Tensor && value.requiresGrad;
  });
  if (positions.length === 0) return null;
  const passed = Watched.apply(
    (gradients: Gradients): Gradients => {
      const all = new Array<Tensor | null>(values.length).fill(null);
      positions.forEach((position, i) => (all[position] = gradients[i] ?? null));
      const results = seen(all);
      return positions.map((position) => results[position] ?? null);
    },
    ...positions.map((position) => values[position]),
  );
  const watched = [...values];
  positions.forEach((position, i) => (watched[position] = passed[i]));
  return watched;
}

/** What a hook put in place of gradients. */
function replaced(who: string, returned: unknown, before: Gradients): Gradients {
  if (returned === undefined || returned === null) return before;
  const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  const isGradient = (value: unknown): boolean => value === null || value instanceof Tensor;
  if (list.length !== before.length || !list.every(isGradient))
    throw new TypeError(
      `${who}: expected nothing, or ${before.length} gradients (a tensor or null each), got ${show(returned)}`,
    );
  return list as Gradients;
}
