import { types } from "node:util";
import { checkOptions, flag, isPlainObject, show } from "../arguments";
import { TorchError } from "../errors";
import { ScriptModule } from "../jit/script-module";
import { Module } from "../nn/module";
import type { StateDict } from "../nn/state-dict";
import { nearestOption } from "../nearest-option";
import { stack } from "../operators.generated";
import { Tensor } from "../tensor";

/** Options of {@link functionalCall}. */
export interface FunctionalCallOptions {
  /** Refuses a state that lacks parameters or buffers of the module. Default: false, the module's own take their place */
  readonly strict?: boolean;
}

/**
 * Runs `forward` with other tensors in place of the module's parameters and buffers: `torch.func.functional_call`. The module is as before
 * afterwards; buffers that it writes in place are those given.
 *
 * @param state tensors by their state-dict names, a map or an object, or a list of such (parameters and buffers)
 * @param args the arguments of `forward`: a list, or one that is none
 * @throws TorchError for names that the module does not have, and for tensors of another shape where PyTorch would fail later
 * @example
 * const params = Object.fromEntries(model.namedParameters());
 * const loss = (p: typeof params, x: Tensor, y: Tensor) => mseLoss(functionalCall(model, p, [x]), y);
 * const gradients = grad(loss)(params, x, y);
 */
export function functionalCall<M extends Module>(
  module: M,
  state: StateDict | readonly StateDict[],
  args: Parameters<M["forward"]> | Tensor,
  options: FunctionalCallOptions = {},
  ...surplus: never[]
): ReturnType<M["forward"]> {
  checkOptions("functionalCall", options, { strict: flag }, surplus);
  if (!((module as unknown) instanceof Module))
    throw new TypeError(`functionalCall: expected a module, got ${show(module)}`);
  if (module.modules().some((each) => each instanceof ScriptModule))
    throw new TorchError(
      "functionalCall: expected a module with code in TypeScript, got one of TorchScript, whose code reads its own parameters",
    );
  const given = new Map((Array.isArray(state) ? (state as StateDict[]) : [state as StateDict]).flatMap(entriesFrom));
  const swaps = swapsOf(module, given, options.strict ?? false);
  const inputs = Array.isArray(args) ? args : [args];
  return withTensors(swaps, () => module.forward(...(inputs as unknown[])) as ReturnType<M["forward"]>);
}

function entriesFrom(state: unknown): readonly (readonly [string, Tensor])[] {
  if (!types.isMap(state) && !isPlainObject(state))
    throw new TypeError(`functionalCall: expected tensors by name (a map or an object), got ${show(state)}`);
  return types.isMap(state)
    ? [...(state as ReadonlyMap<string, Tensor>)]
    : Object.entries(state as Record<string, Tensor>);
}

type Swap = readonly [own: Tensor, other: Tensor];

/** Which of the module's tensors are exchanged for which. */
function swapsOf(module: Module, given: ReadonlyMap<string, Tensor>, strict: boolean): Swap[] {
  const own = new Map<string, Tensor>();
  const all = { removeDuplicate: false };
  for (const [name, tensor] of [...module.namedParameters("", all), ...module.namedBuffers("", all)])
    own.set(name, tensor);
  for (const [name, tensor] of given) {
    if (!own.has(name)) {
      const near = nearestOption(name, own.keys());
      throw new TorchError(
        `functionalCall: expected names of parameters or buffers of ${module.constructor.name}, got "${name}"${near === undefined ? "" : `; did you mean "${near}"?`}`,
      );
    }
    if (!((tensor as unknown) instanceof Tensor))
      throw new TypeError(`functionalCall: expected a tensor for "${name}", got ${show(tensor)}`);
  }
  const missing = [...own.keys()].filter((name) => !given.has(name));
  if (strict && missing.length > 0)
    throw new TorchError(
      `functionalCall: expected all parameters and buffers with strict, got none for ${missing.join(", ")}`,
    );
  // weights that are tied are one tensor, which the last name given replaces
  return [...new Map([...given].map(([name, tensor]) => [own.get(name)!, tensor]))].filter(
    ([mine, other]) => mine !== other,
  );
}

/** Each of the module's tensors is the other one while `body` runs. */
function withTensors<T>(swaps: readonly Swap[], body: () => T): T {
  const handles = swaps.map(([own]) => own.handle);
  const place = (values: readonly number[]): void => {
    for (const [index, [own]] of swaps.entries()) {
      own.handle = values[index]!;
      own.cachedInfo = null;
    }
  };
  place(swaps.map(([, other]) => other.handle));
  try {
    const result = body();
    if (types.isPromise(result))
      throw new TypeError("functionalCall: expected a synchronous forward, got one that returned a promise");
    return result;
  } finally {
    place(handles);
  }
}

/**
 * The state of several modules of one class, each tensor with a dimension in front for the modules: `torch.func.stack_module_state`. The
 * stacks of parameters are leaves that require gradients where the parameters do.
 *
 * @returns `[parameters, buffers]` by name
 * @example
 * const [parameters, buffers] = stackModuleState(models);
 * const each = vmap((p, b, x) => functionalCall(models[0], [p, b], [x]), { inDims: [0, 0, null] });
 * each(parameters, buffers, x); // (models, …)
 */
export function stackModuleState(
  models: readonly Module[],
  ...surplus: never[]
): [parameters: Record<string, Tensor>, buffers: Record<string, Tensor>] {
  checkOptions("stackModuleState", undefined, {}, surplus);
  if (!Array.isArray(models) || models.length === 0 || !models.every((model) => (model as unknown) instanceof Module))
    throw new TypeError(`stackModuleState: expected a list of at least one module, got ${show(models)}`);
  const all = models as readonly Module[];
  const first = all[0]!;
  if (all.some((model) => model.constructor !== first.constructor))
    throw new TorchError("stackModuleState: expected modules of one class");
  if (all.some((model) => model.training !== first.training))
    throw new TorchError("stackModuleState: expected all modules in training mode, or all in evaluation");
  const stacked = (named: (model: Module) => [string, Tensor][], leaves: boolean): Record<string, Tensor> => {
    const lists = all.map((model) => new Map(named(model)));
    const result: Record<string, Tensor> = {};
    for (const name of lists[0]!.keys()) {
      const tensors = lists.map((list) => list.get(name));
      if (tensors.includes(undefined))
        throw new TorchError(`stackModuleState: expected the same names in all modules, got "${name}" in some`);
      const stackOf = stack((tensors as Tensor[]).map((tensor) => tensor.detach()));
      if (leaves) stackOf.requiresGrad = (tensors as Tensor[]).every((tensor) => tensor.requiresGrad);
      result[name] = stackOf;
    }
    return result;
  };
  return [stacked((model) => model.namedParameters(), true), stacked((model) => model.namedBuffers(), false)];
}
