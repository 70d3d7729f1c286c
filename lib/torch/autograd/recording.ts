/** Gradients: backward passes, grad modes, hooks and functions whose backward is written in TypeScript. */
import { types } from "node:util";
import { native } from "../addon";
import {
  arrayOf,
  callable,
  checkArgument,
  checkOptions,
  either,
  flag,
  isPlainObject,
  nullable,
  show,
  tensor as tensorKind,
  type KindsOf,
} from "../arguments";
import type { Mode } from "../async-context";
import { DisposedError, guard, TorchError } from "../errors";
import { handles, optionalHandles } from "../overloads";
import { runInMode } from "../run-in-mode";
import { keep, scope, wrap } from "../scope";
import { Tensor } from "../tensor";

/** Options of a backward pass. */
export interface BackwardOptions {
  /** Keeps the graph for another pass. Default: the value of `createGraph`. */
  readonly retainGraph?: boolean;
  /** Records the backward pass itself, for second derivatives. */
  readonly createGraph?: boolean;
  /** Accumulates into these leaves only. */
  readonly inputs?: readonly Tensor[];
}

/** Options of {@link grad}. */
export interface GradOptions {
  /** Gradients of the result with respect to the outputs; may be left out for outputs of one element. */
  readonly gradOutputs?: readonly (Tensor | null)[] | Tensor;
  readonly retainGraph?: boolean;
  readonly createGraph?: boolean;
  /** Gives null, instead of an error, for inputs that the outputs do not depend on. */
  readonly allowUnused?: boolean;
}

/** Undoes a registration. */
export interface HookHandle {
  remove(): void;
}

const TENSORS = either(tensorKind, arrayOf(tensorKind));
const GRADIENTS = nullable(either(tensorKind, arrayOf(nullable(tensorKind))));
const BACKWARD = {
  retainGraph: flag,
  createGraph: flag,
  inputs: arrayOf(tensorKind),
} satisfies KindsOf<BackwardOptions>;
const GRAD = {
  gradOutputs: GRADIENTS,
  retainGraph: flag,
  createGraph: flag,
  allowUnused: flag,
} satisfies KindsOf<GradOptions>;

/**
 * Computes the gradients of the leaves that the outputs depend on and adds them to their `grad`.
 *
 * @param gradients gradient of the result with respect to each output; may be left out for outputs of one element.
 */
export function backward(
  outputs: Tensor | readonly Tensor[],
  gradients: Tensor | null | readonly (Tensor | null)[] = null,
  options: BackwardOptions = {},
  ...surplus: never[]
): void {
  checkArgument("backward", "outputs", outputs, TENSORS);
  if (isPlainObject(gradients))
    throw new TypeError(
      `backward: expected the gradient first and options second, got ${show(gradients)} for the gradient; write backward(null, { … })`,
    );
  checkArgument("backward", "gradient", gradients, GRADIENTS);
  checkOptions("backward", options, BACKWARD, surplus);
  const { createGraph = false, retainGraph = createGraph, inputs } = options;
  const roots = handles(asList(outputs));
  const seeds = gradients === null ? null : optionalHandles(asList(gradients));
  if (native.transformDepth() > 0)
    throw new TorchError("backward: expected a call outside of vmap, grad and jvp: inside, func.grad gives gradients");
  explained("backward", () => native.backward(roots, seeds, retainGraph, createGraph, inputs ? handles(inputs) : null));
}

/** A pass; in anomaly mode its errors say where the operation was called at which it failed. */
function explained<T>(where: string, pass: () => T): T {
  try {
    return guard(where, pass);
  } catch (error) {
    const origin = native.anomalyFailure();
    if (origin !== "" && types.isNativeError(error)) error.message += origin;
    throw error;
  }
}

/**
 * Gradients of the outputs with respect to the inputs, returned instead of accumulated.
 *
 * @returns one gradient per input.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions & { readonly allowUnused: true },
): (Tensor | null)[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options?: GradOptions,
): Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
  ...surplus: never[]
): (Tensor | null)[] {
  checkArgument("grad", "outputs", outputs, TENSORS);
  checkArgument("grad", "inputs", inputs, TENSORS);
  checkOptions("grad", options, GRAD, surplus);
  const { gradOutputs, createGraph = false, retainGraph = createGraph, allowUnused = false } = options;
  const seeds = gradOutputs === undefined || gradOutputs === null ? null : optionalHandles(asList(gradOutputs));
  const results = explained("grad", () =>
    native.gradient(handles(asList(outputs)), handles(asList(inputs)), seeds, retainGraph, createGraph, allowUnused),
  );
  return results.map((handle) => (handle === 0 ? null : wrap(handle)));
}

function asList<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

// ---- modes

function gradMode(enabled: boolean): Mode {
  const outer: boolean[] = [];
  return {
    enter() {
      outer.push(native.gradEnabled());
      native.setGradEnabled(enabled);
    },
    exit() {
      native.setGradEnabled(outer.pop()!);
    },
  };
}

/**
 * Runs `body` without recording operations for gradients.
 *
 * @param body synchronous, or declared `async`: the mode then holds across its `await`s, and only there.
 * @example
 * const prediction = noGrad(() => model.forward(x));
 */
export function noGrad<T>(body: () => T, ...surplus: never[]): T {
  return runInMode("noGrad", gradMode(false), body, surplus);
}

/** Runs `body` with recording switched on, also inside {@link noGrad}. */
export function enableGrad<T>(body: () => T, ...surplus: never[]): T {
  return runInMode("enableGrad", gradMode(true), body, surplus);
}

/** Switches recording on or off for `body`; without `body`, for this thread until it is switched again. */
export function setGradEnabled(enabled: boolean): void;
export function setGradEnabled<T>(enabled: boolean, body: () => T): T;
export function setGradEnabled<T>(enabled: boolean, body?: () => T, ...surplus: never[]): T | void {
  checkArgument("setGradEnabled", "enabled", enabled, flag);
  if (body !== undefined) return runInMode("setGradEnabled", gradMode(enabled), body, surplus);
  native.setGradEnabled(enabled);
}

/** True where operations are recorded. */
export function isGradEnabled(): boolean {
  return native.gradEnabled();
}

/** Runs `body` in inference mode: no recording and no version counters; what it makes can never take part in autograd. */
export function inferenceMode<T>(body: () => T, enabled = true, ...surplus: never[]): T {
  checkArgument("inferenceMode", "enabled", enabled, flag);
  const depths: number[] = [];
  const mode: Mode = {
    enter: () => void depths.push(native.enterInferenceMode(enabled)),
    exit: () => native.exitInferenceMode(depths.pop()!),
  };
  return runInMode("inferenceMode", mode, body, surplus);
}

/** True inside {@link inferenceMode}. */
export function isInferenceMode(): boolean {
  return native.isInferenceMode();
}

// ---- hooks

/** @internal Body of `Tensor.registerHook`. */
export function registerTensorHook(
  tensor: Tensor,
  hook: (gradient: Tensor) => Tensor | null | undefined | void,
): HookHandle {
  checkArgument("registerHook", "hook", hook, callable);
  const id = guard("registerHook", () =>
    native.registerHook(tensor.handle, (gradient) =>
      scope(() => handOut(gradientOf(hook(wrap(gradient)), "registerHook", "a tensor or nothing from the hook"))),
    ),
  );
  return { remove: () => guard("removeHook", () => native.removeHook(tensor.handle, id)) };
}

/** A gradient that JavaScript returned; null where it returned none. */
function gradientOf(returned: unknown, where: string, what: string): Tensor | null {
  if (returned === null || returned === undefined) return null;
  if (!(returned instanceof Tensor)) throw new TypeError(`${where}: expected ${what}, got ${describe(returned)}`);
  if (returned.handle === 0) throw new DisposedError(where);
  return returned;
}

/** A handle of its own for the native side to take over. */
function handOut(gradient: Tensor | null): number {
  return gradient === null ? 0 : native.alias(gradient.handle);
}

function describe(value: unknown): string {
  if (types.isPromise(value)) return "a promise (backward passes do not wait: write a function that is not async)";
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? `a list of ${value.length}` : typeof value;
}

// ---- functions

/** What `forward` leaves for `backward`. */
export class FunctionContext {
  /** Which of `apply`'s arguments want a gradient (false for those that are no tensors). */
  needsInputGrad: readonly boolean[] = [];
  /**
   * What {@link saveForBackward} was given: in `backward` as it was then, whatever became of the tensors' shapes since. An input or
   * output is connected to the graph as the original, for second derivatives.
   *
   * @throws TorchError from `backward` when the data was overwritten in place meanwhile.
   */
  savedTensors: readonly Tensor[] = [];
  /** @internal */
  readonly nonDifferentiable = new Set<Tensor>();
  /** Anything else for `backward`. */
  [value: string]: unknown;

  /**
   * Keeps tensors (inputs, outputs or intermediates) for `backward`, outside any scope, until the graph is freed. Save tensors in this
   * way only: as a property of the context, an output would keep itself alive.
   */
  saveForBackward(...tensors: Tensor[]): void {
    for (const tensor of tensors) {
      checkArgument("saveForBackward", "what is saved", tensor, tensorKind);
      if (tensor.handle === 0) throw new DisposedError("saveForBackward");
    }
    this.savedTensors = tensors.map((tensor) => keep(wrap(native.alias(tensor.handle))));
  }

  /** Marks outputs that have no gradient, e.g. indices. */
  markNonDifferentiable(...outputs: Tensor[]): void {
    for (const output of outputs) checkArgument("markNonDifferentiable", "outputs", output, tensorKind);
    for (const output of outputs) this.nonDifferentiable.add(output);
  }
}

/** The static members of a differentiable function. */
interface FunctionClass {
  readonly name: string;
  forward(context: FunctionContext, ...args: never[]): Tensor | Tensor[];
  backward(context: FunctionContext, ...gradients: (Tensor | null)[]): Tensor | null | (Tensor | null)[];
  jvp?(context: FunctionContext, ...tangents: (Tensor | null)[]): Tensor | null | (Tensor | null)[];
}

/**
 * A differentiable function with its own backward. Subclass it with static `forward` and `backward`, and call `apply`. A static
 * `jvp(context, ...tangents)`, called after `forward` with a tangent or null for each argument, gives the tangents of its outputs in
 * forward-mode derivatives; without one they are refused. Inside of vmap, grad and jvp (`func`) such functions are refused.
 *
 * @example
 * class Square extends Function {
 *   static forward(context: FunctionContext, x: Tensor): Tensor {
 *     context.saveForBackward(x);
 *     return x.mul(x);
 *   }
 *   static backward(context: FunctionContext, gradient: Tensor): Tensor {
 *     return context.savedTensors[0]!.mul(gradient).mul(2);
 *   }
 * }
 * const y = Square.apply(x);
 */
export class Function {
  /** Runs `forward` unrecorded and attaches `backward` to its outputs. */
  static apply<Result extends Tensor | Tensor[]>(
    this: { forward(context: FunctionContext, ...args: never[]): Result } & FunctionClass,
    ...args: unknown[]
  ): Result {
    for (const part of ["forward", "backward"])
      checkArgument(
        this.name,
        `the static method ${part}`,
        (this as typeof this & Record<string, unknown>)[part],
        callable,
      );
    if (native.transformDepth() > 0)
      throw new TorchError(
        `${this.name}: expected operators inside of vmap, grad and jvp, got a Function with a backward of its own, which they cannot look into`,
      );
    const context = new FunctionContext();
    context.needsInputGrad = args.map((argument) => argument instanceof Tensor && argument.requiresGrad);
    try {
      const tangents = tangentsOf(this, args);
      const values = tangents === null ? args : args.map(withoutTangent);
      const computed = noGrad(() => this.forward(context, ...(values as never[])));
      const result = (tangents === null ? computed : dualsOf(this, context, computed, tangents)) as Result;
      if (!native.gradEnabled() || !context.needsInputGrad.includes(true)) return result;
      const outputs = attach(this, context, args, asList<Tensor>(result));
      return (Array.isArray(result) ? outputs : outputs[0]) as Result;
    } finally {
      // From here on the graph keeps them.
      for (const saved of context.savedTensors) saved.dispose();
      context.savedTensors = [];
    }
  }
}

// ---- tangents of forward-mode derivatives

/** A tangent or null for each argument; null where none has one. */
function tangentsOf(definition: FunctionClass, args: readonly unknown[]): (Tensor | null)[] | null {
  const has = args.map((argument) => argument instanceof Tensor && native.hasTangent(argument.handle));
  if (!has.includes(true)) return null;
  if (definition.jvp === undefined)
    throw new TorchError(
      `${definition.name}: expected a static method jvp for forward-mode derivatives, jvp(context, ...tangents), got none`,
    );
  return args.map((argument, index) => {
    if (!has[index]) return null;
    const [primal, tangent] = native.unpackDual((argument as Tensor).handle);
    native.free(primal);
    return wrap(tangent);
  });
}

function withoutTangent(argument: unknown): unknown {
  if (!(argument instanceof Tensor) || !native.hasTangent(argument.handle)) return argument;
  const [primal, tangent] = native.unpackDual(argument.handle);
  native.free(tangent);
  return wrap(primal);
}

/** The outputs with the tangents that `jvp` gives them. */
function dualsOf(
  definition: FunctionClass,
  context: FunctionContext,
  computed: Tensor | Tensor[],
  tangents: readonly (Tensor | null)[],
): Tensor | Tensor[] {
  const where = `${definition.name}.jvp`;
  const outputs = asList<Tensor>(computed);
  const returned = asList<Tensor | null>(definition.jvp!(context, ...tangents));
  if (returned.length !== outputs.length)
    throw new TypeError(
      `${where}: expected one tangent (or null) per output (${outputs.length}), got ${returned.length}`,
    );
  const duals = outputs.map((output, index) => {
    const tangent = gradientOf(returned[index], where, `a tensor or null as tangent ${index}`);
    if (tangent === null) return output;
    return guard(where, () => wrap(native.makeDual(output.handle, tangent.handle)));
  });
  for (const [index, output] of outputs.entries())
    if (context.nonDifferentiable.has(output)) context.nonDifferentiable.add(duals[index]!);
  return Array.isArray(computed) ? duals : duals[0]!;
}

/** Gives the outputs their history; returns them, or views of those that are inputs. */
function attach(
  definition: FunctionClass,
  context: FunctionContext,
  args: readonly unknown[],
  results: readonly Tensor[],
): Tensor[] {
  for (const result of results)
    if (!((result as unknown) instanceof Tensor))
      throw new TypeError(
        `${definition.name}.forward: expected a tensor or a list of tensors as result, got ${describe(result)}`,
      );
  // A node cannot be the history of its own input, so an input that is handed through becomes a view.
  const inputs = args.filter((argument): argument is Tensor => argument instanceof Tensor);
  const outputs = noGrad(() => results.map((output) => (inputs.includes(output) ? output.viewAs(output) : output)));
  const differentiable = outputs.filter((output) => !context.nonDifferentiable.has(output));
  context.nonDifferentiable.clear();
  // Not the arguments themselves: the graph would keep what was not saved.
  const isTensor = args.map((argument) => argument instanceof Tensor);
  guard(definition.name, () =>
    native.attachFunction(
      definition.name,
      handles(differentiable),
      handles(inputs),
      (gradients, saved) => runBackward(definition, context, isTensor, gradients, saved),
      handles(context.savedTensors),
    ),
  );
  return outputs;
}

/** Calls `backward` and orders its gradients by tensor input. */
function runBackward(
  definition: FunctionClass,
  context: FunctionContext,
  isTensor: readonly boolean[],
  gradients: readonly number[],
  saved: readonly number[],
): number[] {
  const where = `${definition.name}.backward`;
  return scope(() => {
    context.savedTensors = saved.map(wrap);
    try {
      const returned: unknown = definition.backward(
        context,
        ...gradients.map((handle) => (handle === 0 ? null : wrap(handle))),
      );
      const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
      if (returned === undefined || list.length !== isTensor.length) {
        const came = returned === null || returned instanceof Tensor ? "1" : describe(returned);
        throw new TypeError(
          `${where}: expected one gradient (or null) per argument of forward (${isTensor.length}), got ${came}: return a tensor or null, or a list of them`,
        );
      }
      const checked = list.map((gradient, index) =>
        gradientOf(gradient, where, `a tensor or null as gradient ${index}`),
      );
      return checked.filter((_, index) => isTensor[index]).map(handOut);
    } finally {
      context.savedTensors = [];
    }
  });
}
