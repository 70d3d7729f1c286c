/** Tensors of a module that are computed from others: `torch.nn.utils.parametrize`. */
import { checkArgument, checkOptions, flag, refuseSurplus, show, text, type Kind } from "../../arguments";
import { isGradEnabled, noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import { runInMode } from "../../run-in-mode";
import { keep, release } from "../../scope";
import { Tensor } from "../../tensor";
import { IndexedModules, ModuleDict } from "../containers";
import { Module } from "../module";
import { toSnakeCase } from "../naming";
import { Parameter } from "../parameter";
import { takeData } from "../placement";

/**
 * A module whose `forward` computes a tensor from the stored one, or from several. `rightInverse`, where there is one, gives stored
 * tensors that `forward` makes such a tensor of; it is what an assignment to the parametrized tensor calls.
 */
export interface Parametrization extends Module {
  forward(...originals: Tensor[]): Tensor;
  rightInverse?(value: Tensor): Tensor | readonly Tensor[];
}

/** Options of {@link registerParametrization}. */
export interface ParametrizationOptions {
  /** Do not check that shape and dtype stay what they are (default false). */
  unsafe?: boolean;
}

const MODULE: Kind = { text: "a module", accepts: (value) => value instanceof Module };

/** Values of {@link cached}, by the list that computes them; null outside of it. */
let cache: Map<ParametrizationList, Tensor> | null = null;

/**
 * What `module.parametrizations.get(name)` holds: the stored tensors, as `original`, or `original0`, `original1`, … where a right inverse
 * gave several, and the parametrizations, which are applied one after the other.
 */
export class ParametrizationList extends IndexedModules<Parametrization> {
  /** Whether one tensor is stored. */
  readonly isTensor: boolean;
  /** How many tensors are stored. */
  readonly ntensors: number;
  unsafe: boolean;

  /** @internal Use {@link registerParametrization}. */
  constructor(
    modules: Iterable<Parametrization>,
    original: Tensor,
    options: ParametrizationOptions = {},
    ...surplus: never[]
  ) {
    super(modules, surplus);
    this.unsafe = options.unsafe ?? false;
    let stored: Tensor | readonly Tensor[] = original;
    noGrad(() => {
      for (const module of [...this].reverse()) {
        if (module.rightInverse === undefined) continue;
        if (!(stored instanceof Tensor))
          throw new TypeError(`${where(module)}: expected one tensor to invert, got several`);
        stored = checkTensors(module, module.rightInverse(stored));
      }
    });
    this.isTensor = stored instanceof Tensor;
    this.ntensors = stored instanceof Tensor ? 1 : (stored as readonly Tensor[]).length;
    if (stored instanceof Tensor) {
      if (stored.dtype !== original.dtype || stored.device !== original.device)
        throw new TypeError(
          `registerParametrization: expected ${original.dtype} on ${original.device} from rightInverse, got ${stored.dtype} on ${stored.device}`,
        );
      // the original stays the object that it is, for optimizers
      if (stored !== original) takeData(original, stored);
      this.store("original", original);
    } else {
      (stored as readonly Tensor[]).forEach((tensor, i) => {
        const requiresGrad = original.requiresGrad;
        this.store(
          `original${i}`,
          original instanceof Parameter ? new Parameter(tensor, { requiresGrad }) : tensor.detach(),
        );
      });
    }
  }

  private store(name: string, tensor: Tensor): void {
    if (tensor instanceof Parameter) this.registerParameter(name, tensor);
    else this.registerBuffer(name, tensor);
  }

  /** The stored tensors. */
  get originals(): Tensor[] {
    const names = this.isTensor ? ["original"] : Array.from({ length: this.ntensors }, (_, i) => `original${i}`);
    return names.map((name) => Reflect.get(this, name) as Tensor);
  }

  /** The tensor that the module sees. */
  forward(...surplus: never[]): Tensor {
    refuseSurplus("ParametrizationList.forward", surplus);
    const [first, ...others] = this;
    let value = first!.forward(...this.originals);
    for (const module of others) value = module.forward(value);
    return value;
  }

  /** Stores what makes {@link forward} give `value`. @throws TorchError where a parametrization has no `rightInverse`. */
  rightInverse(value: Tensor, ...surplus: never[]): void {
    refuseSurplus("ParametrizationList.rightInverse", surplus);
    noGrad(() => {
      let stored: Tensor | readonly Tensor[] = value;
      for (const module of [...this].reverse()) {
        if (module.rightInverse === undefined)
          throw new TorchError(`${where(module)}: expected a method rightInverse for an assignment, got none`);
        stored = checkTensors(module, module.rightInverse(stored as Tensor));
      }
      const list: readonly Tensor[] = stored instanceof Tensor ? [stored] : stored;
      const { originals } = this;
      if (list.length !== originals.length)
        throw new TorchError(`rightInverse: expected ${originals.length} tensors to store, got ${list.length}`);
      list.forEach((tensor, i) => {
        const { dtype } = originals[i]!;
        if (tensor.dtype !== dtype) throw new TypeError(`rightInverse: expected ${dtype}, got ${tensor.dtype}`);
        takeData(originals[i]!, tensor);
      });
    });
  }
}

function where(module: Module): string {
  return `the parametrization ${module.constructor.name}`;
}

function checkTensors(module: Module, given: unknown): Tensor | readonly Tensor[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0 || !list.every((value) => value instanceof Tensor))
    throw new TypeError(
      `${where(module)}: expected a tensor or an array of tensors from rightInverse, got ${show(given)}`,
    );
  return given as Tensor | readonly Tensor[];
}

function checkSame(name: string, value: unknown, original: Tensor): void {
  const wanted = `${original.dtype} of shape [${original.shape.join(", ")}]`;
  if (!(value instanceof Tensor))
    throw new TypeError(`${name}: expected a tensor from the parametrization, got ${show(value)}`);
  if (value.dtype === original.dtype && value.shape.join() === original.shape.join()) return;
  throw new TorchError(
    `${name}: expected ${wanted} from the parametrization, got ${value.dtype} of shape [${value.shape.join(", ")}]; { unsafe: true } allows it`,
  );
}

/** The class of a module before its first parametrization. */
const CLASS_BEFORE = Symbol("class before parametrizations");

/**
 * Makes a tensor of a module a function of what is stored: `module.weight` is computed by `parametrization.forward` from then on, whenever it
 * is read, and the state dict has `parametrizations.weight.original`, or `original0`, `original1`, … where `rightInverse` gives several.
 * A tensor can have several parametrizations, applied in the order of their registration.
 *
 * The class of the module becomes one that extends it, `ParametrizedLinear`.
 *
 * @param name a property that holds a parameter or buffer.
 * @returns the module.
 * @throws TypeError, TorchError where shape or dtype would change, unless `unsafe`.
 * @example
 * class Symmetric extends nn.Module {
 *   forward(x: Tensor): Tensor {
 *     return x.triu().add(x.triu(1).mT);
 *   }
 * }
 * nn.utils.parametrize.registerParametrization(layer, "weight", new Symmetric());
 */
export function registerParametrization<M extends Module>(
  module: M,
  name: string,
  parametrization: Parametrization,
  options: ParametrizationOptions = {},
  ...surplus: never[]
): M {
  const task = "registerParametrization";
  checkArgument(task, "module", module, MODULE);
  checkArgument(task, "name", name, text);
  checkArgument(task, "parametrization", parametrization, MODULE);
  checkOptions(task, options, { unsafe: flag }, surplus);
  parametrization.train(module.training);
  if (isParametrized(module, name)) {
    const list = listOf(module, name);
    if (!options.unsafe) {
      const value = list.forward();
      const result: unknown = parametrization.forward(value);
      checkSame(task, result, value);
      if (parametrization.rightInverse !== undefined)
        checkSame(
          `${task}: rightInverse`,
          noGrad(() => parametrization.rightInverse!(result as Tensor)),
          value,
        );
    }
    list.append(parametrization);
    list.unsafe ||= options.unsafe ?? false;
    return module;
  }
  const original: unknown = Reflect.get(module, name);
  const isBuffer = module.buffers({ recurse: false }).some((buffer) => buffer === original);
  if (!Object.hasOwn(module, name) || !(original instanceof Tensor) || !(original instanceof Parameter || isBuffer))
    throw new TorchError(
      `${task}: expected the name of a parameter or buffer of ${module.constructor.name}, got "${name}"; it has ` +
        ([...module.namedParameters("", { recurse: false }), ...module.namedBuffers("", { recurse: false })]
          .map(([each]) => `"${Object.keys(module).find((key) => toSnakeCase(key) === each) ?? each}"`)
          .join(", ") || "none"),
    );
  const list = listFor(parametrization, original, options);
  Reflect.deleteProperty(module, name);
  if (!isParametrized(module)) {
    extendClass(module);
    module.addModule("parametrizations", new ModuleDict());
  }
  listsOf(module).set(toSnakeCase(name), list);
  const prototype = Object.getPrototypeOf(module) as object;
  if (!Object.hasOwn(prototype, name)) Object.defineProperty(prototype, name, accessor(name));
  return module;
}

/** The list of a first parametrization. Where it is refused, the tensor holds what it held. */
function listFor(
  parametrization: Parametrization,
  original: Tensor,
  options: ParametrizationOptions,
): ParametrizationList {
  const before = original.detach();
  try {
    const list = new ParametrizationList([parametrization], original, options);
    if (!list.unsafe) checkSame("registerParametrization", list.forward(), before);
    return list;
  } catch (error) {
    noGrad(() => takeData(original, before));
    throw error;
  } finally {
    before.dispose();
  }
}

/** Gives one module a class of its own, for accessors in the places of its tensors. */
function extendClass(module: Module): void {
  const Class = module.constructor as new () => Module & { forward(): unknown };
  const name = `Parametrized${Class.name}`;
  const { [name]: Extended } = { [name]: class extends Class {} };
  Object.defineProperty(Extended, CLASS_BEFORE, { value: Class });
  Object.setPrototypeOf(module, Extended!.prototype as object);
}

/** A copy of a module shares its class, so that an accessor finds what it needs through `this`. */
function accessor(name: string): PropertyDescriptor & ThisType<Module> {
  return {
    configurable: true,
    enumerable: false,
    get() {
      const list = listOf(this, name);
      if (cache === null) return list.forward();
      let value = cache.get(list);
      // a value that was computed without a graph is of no use where one is wanted
      if (
        value === undefined ||
        value.isDisposed ||
        (isGradEnabled() && !value.requiresGrad && list.originals.some((original) => original.requiresGrad))
      ) {
        value = keep(list.forward());
        cache.set(list, value);
      }
      return value;
    },
    set(value: unknown) {
      if (!(value instanceof Tensor))
        throw new TypeError(
          `${this.constructor.name}.${name}: expected a tensor for a parametrized one, got ${show(value)}`,
        );
      listOf(this, name).rightInverse(value);
    },
  };
}

function listsOf(module: Module): ModuleDict<ParametrizationList> {
  return Reflect.get(module, "parametrizations") as ModuleDict<ParametrizationList>;
}

function listOf(module: Module, name: string): ParametrizationList {
  return listsOf(module).get(toSnakeCase(name));
}

/** Whether a module has parametrizations, or one of the tensor of this name. */
export function isParametrized(module: Module, name?: string, ...surplus: never[]): boolean {
  checkArgument("isParametrized", "module", module, MODULE);
  if (name !== undefined) checkArgument("isParametrized", "name", name, text);
  refuseSurplus("isParametrized", surplus);
  const parametrizations: unknown = Reflect.get(module, "parametrizations");
  if (!(parametrizations instanceof ModuleDict) || !(CLASS_BEFORE in module.constructor)) return false;
  return name === undefined ? parametrizations.size > 0 : parametrizations.has(toSnakeCase(name));
}

/**
 * Takes the parametrizations of a tensor off.
 *
 * @param options.leaveParametrized keep the value that they compute (default true); false keeps the one that is stored.
 * @returns the module.
 */
export function removeParametrizations<M extends Module>(
  module: M,
  name: string,
  options: { leaveParametrized?: boolean } = {},
  ...surplus: never[]
): M {
  const task = "removeParametrizations";
  checkArgument(task, "name", name, text);
  checkOptions(task, options, { leaveParametrized: flag }, surplus);
  const { leaveParametrized = true } = options;
  if (!isParametrized(module, name))
    throw new TorchError(`${task}: expected a parametrized tensor of ${module.constructor.name}, got "${name}"`);
  const list = listOf(module, name);
  let value: Tensor;
  if (list.isTensor) {
    value = list.originals[0]!;
    if (leaveParametrized) noGrad(() => takeData(value, list.forward()));
  } else {
    if (!leaveParametrized)
      throw new TorchError(
        `${task}: expected leaveParametrized for "${name}", which is computed from ${list.ntensors} tensors, got false`,
      );
    const [{ requiresGrad }] = list.originals as [Tensor];
    const computed = noGrad(() => list.forward());
    value = list.originals[0] instanceof Parameter ? new Parameter(computed, { requiresGrad }) : computed;
  }
  listsOf(module).delete(toSnakeCase(name));
  // not an assignment, which the accessor of the class would take
  Object.defineProperty(module, name, { value, enumerable: true, configurable: true, writable: true });
  if (!(value instanceof Parameter)) module.registerBuffer(name, value);
  if (listsOf(module).size === 0) {
    Reflect.deleteProperty(module, "parametrizations");
    Object.setPrototypeOf(module, typeBeforeParametrizations(module).prototype as object);
  }
  return module;
}

/** The class of a module as it was before its parametrizations. */
export function typeBeforeParametrizations(
  module: Module,
  ...surplus: never[]
): abstract new (...args: never[]) => Module {
  checkArgument("typeBeforeParametrizations", "module", module, MODULE);
  refuseSurplus("typeBeforeParametrizations", surplus);
  const Class = module.constructor as abstract new () => Module;
  return (Class as { [CLASS_BEFORE]?: typeof Class })[CLASS_BEFORE] ?? Class;
}

/**
 * Registers the parametrizations of one module for the tensors of the same names of another one, with their stored values. The two share
 * the parametrizations and the stored tensors.
 *
 * @param name the one tensor that is meant (default: all).
 * @returns `to`.
 */
export function transferParametrizationsAndParams<M extends Module>(
  from: Module,
  to: M,
  name?: string,
  ...surplus: never[]
): M {
  const task = "transferParametrizationsAndParams";
  checkArgument(task, "from", from, MODULE);
  checkArgument(task, "to", to, MODULE);
  if (name !== undefined) checkArgument(task, "name", name, text);
  refuseSurplus(task, surplus);
  if (!isParametrized(from, name))
    throw new TorchError(
      `${task}: expected a module with parametrizations${name === undefined ? "" : ` of "${name}"`}, got ${show(from)}`,
    );
  for (const [key, list] of listsOf(from)) {
    const properties = Object.getOwnPropertyNames(Object.getPrototypeOf(from));
    const property = properties.find((each) => toSnakeCase(each) === key)!;
    if (name !== undefined && property !== name) continue;
    if (Reflect.get(to, property) === undefined)
      to.registerParameter(property, new Parameter(noGrad(() => list.forward())));
    for (const parametrization of list) registerParametrization(to, property, parametrization);
    const target = listOf(to, property);
    for (const [key, value] of Object.entries(list)) if (key.startsWith("original")) Reflect.set(target, key, value);
  }
  return to;
}

/**
 * Computes each parametrized tensor once while `body` runs, also in models that use it often (recurrent networks, tied weights). What is
 * cached is not computed again after a change of the stored tensors: change them outside.
 *
 * @param body synchronous, or declared `async`.
 */
export function cached<T>(body: () => T, ...surplus: never[]): T {
  const outer = cache;
  const own = outer ?? new Map<ParametrizationList, Tensor>();
  const before: (typeof cache)[] = [];
  const mode = {
    enter: () => {
      before.push(cache);
      cache = own;
    },
    exit: () => {
      cache = before.pop()!;
    },
  };
  const end = (): void => {
    if (outer !== null) return;
    for (const value of own.values()) if (!value.isDisposed) release(value);
    own.clear();
  };
  let result: T;
  try {
    result = runInMode("cached", mode, body, surplus);
  } catch (error) {
    end();
    throw error;
  }
  if (result instanceof Promise) return result.finally(end) as T;
  end();
  return result;
}
