import { autocastState, withAutocastState } from "../amp/autocast";
import { backward, enableGrad, Function, type FunctionContext, grad, isGradEnabled, noGrad } from "../autograd";
import * as cuda from "../cuda/random";
import { TorchError } from "../errors";
import { getRngState, setRngState } from "../generator";
import { mapTensors, tensorsIn } from "../map-tensors";
import { keep, scope } from "../scope";
import type { Tensor } from "../tensor";
import { ModuleList } from "./containers";
import { type ForwardWrapper, Module } from "./module";

/** A pass of a module that is computed again in the backward pass. */
interface Pass {
  /** Null: a function, whose parameters are not known before it is computed again. */
  readonly module: Module | null;
  /** Computes the outputs from the tensors of the inputs. */
  readonly run: (tensors: readonly Tensor[]) => Tensor[];
  /** How many of the function's tensors are inputs; the others are parameters. */
  readonly inputs: number;
  readonly devices: readonly string[];
  readonly autocast: ReturnType<typeof autocastState>;
}

/** States of the generators that a pass may draw from. */
interface RandomStates {
  readonly cpu: Tensor;
  readonly devices: readonly (readonly [device: string, state: Tensor])[];
}

/** The module as one node of the graph, which keeps the inputs only. */
class Recomputed extends Function {
  static forward(context: FunctionContext, pass: Pass, ...tensors: Tensor[]): Tensor[] {
    context["pass"] = pass;
    context["parameters"] = tensors.slice(pass.inputs);
    context["random"] = keep(randomStates(pass.devices));
    context.saveForBackward(...tensors.slice(0, pass.inputs));
    const outputs = scope(() => pass.run(tensors));
    context.markNonDifferentiable(...outputs.filter((output) => !output.isFloatingPoint() && !output.isComplex()));
    return outputs;
  }

  static backward(context: FunctionContext, ...gradients: (Tensor | null)[]): (Tensor | null)[] {
    if (isGradEnabled())
      throw new TorchError(
        "activation checkpointing: expected createGraph to be false: there are no second derivatives",
      );
    const pass = context["pass"] as Pass;
    const parameters = context["parameters"] as readonly Tensor[];
    const random = context["random"] as RandomStates;
    const needed = context.needsInputGrad.slice(1);
    const inputs = context.savedTensors.map((input, i) => input.detach().requiresGrad_(needed[i]!));
    const buffers = (pass.module?.buffers() ?? []).map((buffer) => [buffer, buffer.clone()] as const);
    const outputs = withRandomStates(random, pass.devices, () =>
      withAutocastState(pass.autocast, () => enableGrad(() => pass.run(inputs))),
    );
    const differentiable = outputs.filter((output) => output.isFloatingPoint() || output.isComplex());
    const reached = differentiable.flatMap((output, i) => {
      const gradient = gradients[i] ?? null;
      return gradient !== null && output.requiresGrad ? [[output, gradient] as const] : [];
    });
    const wanted = [...inputs, ...parameters].filter((_, i) => needed[i]);
    const found = gradientsOf(
      reached.map(([output]) => output),
      reached.map(([, gradient]) => gradient),
      wanted,
      pass,
    );
    // running statistics have seen the batch once already
    for (const [buffer, before] of buffers) noGrad(() => buffer.copy_(before));
    const rest = [...found];
    return [null, ...needed.map((isNeeded) => (isNeeded ? (rest.shift() ?? null) : null))];
  }
}

/** Gradients of what is wanted; those of the parameters that a function uses are added to their `grad`. */
function gradientsOf(
  outputs: readonly Tensor[],
  gradOutputs: readonly Tensor[],
  wanted: readonly Tensor[],
  { module }: Pass,
): (Tensor | null)[] {
  if (outputs.length === 0) return wanted.map(() => null);
  if (module !== null) return grad(outputs, wanted, { gradOutputs, allowUnused: true });
  backward(outputs, gradOutputs);
  return wanted.map((input) => input.grad);
}

function randomStates(devices: readonly string[]): RandomStates {
  return { cpu: getRngState(), devices: devices.map((device) => [device, cuda.getRngState(device)] as const) };
}

function takeUp({ cpu, devices }: RandomStates): void {
  setRngState(cpu);
  for (const [device, state] of devices) cuda.setRngState(state, device);
}

/** Runs `body` with the random numbers of then; afterwards the generators are where they were. */
function withRandomStates<T>(states: RandomStates, devices: readonly string[], body: () => T): T {
  const now = randomStates(devices);
  takeUp(states);
  try {
    return body();
  } finally {
    takeUp(now);
  }
}

function recomputed(
  module: Module | null,
  forward: (...inputs: unknown[]) => unknown,
  given: readonly unknown[],
): unknown {
  const inputs = tensorsIn(given);
  const parameters = module?.parameters() ?? [];
  if (module === null && !inputs.some(({ requiresGrad }) => requiresGrad))
    throw new TorchError(
      "checkpoint: expected an input that requires gradients, so that the backward pass comes by: give the module itself instead of a function, or call requiresGrad_() on an input",
    );
  let output: unknown;
  const run = (tensors: readonly Tensor[]): Tensor[] => {
    let next = 0;
    output = forward(...mapTensors([...given], () => tensors[next++]!));
    return tensorsIn(output);
  };
  const devices = [...new Set([...inputs, ...parameters].map(({ device }) => device))].filter((device) =>
    device.startsWith("cuda"),
  );
  const pass: Pass = { module, run, inputs: inputs.length, devices, autocast: autocastState() };
  const results = Recomputed.apply(pass, ...inputs, ...parameters);
  let next = 0;
  const returned = mapTensors(output, () => results[next++]!);
  output = null;
  return returned;
}

const checkpointing: ForwardWrapper =
  (module, forward) =>
  (...inputs) =>
    isGradEnabled() ? recomputed(module, forward, inputs) : forward(...inputs);

/**
 * Calls a module or a function such that what it computes is not kept for the backward pass, in which it is computed a second time: less memory,
 * more time. Values and gradients are the same: the second time draws the random numbers of the first and runs under its autocast. Running
 * statistics of a module see the batch once; those of modules that a function calls see it twice, as in PyTorch.
 *
 * Parameters that a function (not a module) uses get their gradients in `backward()` only, not in {@link grad}: `torch.utils.checkpoint` with
 * `use_reentrant=True`.
 *
 * @param body - a module, or a synchronous function of the inputs
 * @param inputs - what it is called with; tensors are found in arrays and plain objects
 * @returns what it returns; without recording (`noGrad`) it is simply called
 * @throws TorchError for a function without an input that requires gradients
 * @example
 * for (const block of blocks) x = utils.checkpoint(block, x);
 * x = utils.checkpoint((y: Tensor) => second.forward(first.forward(y)), x);
 */
export function checkpoint<I extends unknown[], O>(body: { forward(...inputs: I): O }, ...inputs: I): O;
export function checkpoint<I extends unknown[], O>(body: (...inputs: I) => O, ...inputs: I): O;
export function checkpoint(body: unknown, ...inputs: unknown[]): unknown {
  const module = body instanceof Module ? body : null;
  if (module === null && typeof body !== "function")
    throw new TypeError(`checkpoint: expected a module or a function first, received a ${typeof body}`);
  const forward =
    module === null
      ? (body as (...given: unknown[]) => unknown)
      : (...given: unknown[]): unknown => (body as { forward(...given: unknown[]): unknown }).forward(...given);
  return isGradEnabled() ? recomputed(module, forward, inputs) : forward(...inputs);
}

/**
 * From now on the module keeps its inputs only for the backward pass, in which it is computed a second time: less memory, more time. Losses
 * and gradients are the same: the second time draws the random numbers of the first, runs under its autocast, and leaves running statistics
 * as they are. Hooks of modules inside run both times. Without recording (evaluation) nothing changes.
 *
 * Tensors in arguments and results are found in arrays and plain objects.
 */
export function checkpointModule(module: Module): void {
  if (!module.isWrappedBy(checkpointing)) module.wrapForward(checkpointing);
}

/**
 * {@link checkpointModule} for the blocks of a model: entries of its `ModuleList`s that consist of modules themselves. Blocks inside of blocks
 * are not checkpointed again.
 *
 * @returns the names of the blocks, as in the state dict; none: the model has no such list
 */
export function checkpointBlocks(model: Module): string[] {
  const names: string[] = [];
  const visit = (module: Module, path: string): void => {
    for (const [name, child] of module.namedChildren()) {
      const inside = path === "" ? name : `${path}.${name}`;
      if (module instanceof ModuleList && child.children().length > 0) {
        checkpointModule(child);
        names.push(inside);
      } else {
        visit(child, inside);
      }
    }
  };
  visit(model, "");
  return names;
}
