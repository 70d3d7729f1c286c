import { native } from "../addon";
import { arrayOf, byPositionOrName, checkOptions, either, flag, integer, show, type KindsOf } from "../arguments";
import { recordedGradients } from "../autograd/recorded-gradients";
import { isGradEnabled } from "../autograd/recording";
import { guard, TorchError } from "../errors";
import { zerosLike } from "../operators.generated";
import { keep, scope } from "../scope";
import { Tensor } from "../tensor";
import {
  callFunction,
  checkFunction,
  splitAux,
  type Transformable,
  unwrap,
  unwrapTree,
  withGradLevel,
  wrapTree,
} from "./levels";
import { leavesOf, mapLeaves, type Tree, tensorsOf, withLeaves } from "./trees";

/** Which arguments derivatives are taken by: a position, or several. Negative ones count from the end. */
export type Argnums = number | readonly number[];

/** Options of {@link grad} and {@link gradAndValue}, which can also be given by position in this order. */
export interface GradTransformOptions {
  /** Default: 0 */
  readonly argnums?: Argnums;
  /** `func` returns `[result, auxiliary]`, of which the second is handed on as it is. Default: false */
  readonly hasAux?: boolean;
}

const KINDS = { argnums: either(integer, arrayOf(integer)), hasAux: flag } satisfies KindsOf<GradTransformOptions>;

/** Positions of the arguments, counted from the start. */
export function positionsOf(where: string, argnums: Argnums, count: number): number[] {
  const list = typeof argnums === "number" ? [argnums] : [...argnums];
  if (list.length === 0) throw new TypeError(`${where}: expected at least one position in argnums, got []`);
  const positions = list.map((argnum) => (argnum < 0 ? argnum + count : argnum));
  for (const [index, position] of positions.entries())
    if (position < 0 || position >= count)
      throw new RangeError(`${where}: expected argnums of one of the ${count} arguments, got ${list[index]}`);
  if (new Set(positions).size < positions.length)
    throw new RangeError(`${where}: expected each argument once in argnums, got ${show(argnums)}`);
  return positions;
}

/** What belongs to the arguments that `argnums` names, in its form: one, or a list. */
export function inFormOf(argnums: Argnums, chosen: readonly unknown[]): unknown {
  return typeof argnums === "number" ? chosen[0] : chosen;
}

/** Makes the tensors what derivatives are taken by, at the innermost level. */
export function requireGradients(where: string, name: string, tree: Tree): Tensor[] {
  const tensors = tensorsOf(where, name, tree);
  for (const tensor of tensors) {
    if (!tensor.isFloatingPoint() && !tensor.isComplex())
      throw new TypeError(`${where}: expected floating point or complex tensors for ${name}, got ${tensor.dtype}`);
    guard(where, () => native.requireGradAtLevel(tensor.handle));
  }
  return tensors;
}

/** Gradients of outputs, zeros where they do not depend on an input; of all levels outside they can be derived again. */
function derive(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  seeds: readonly Tensor[] | null,
  options: { retainGraph?: boolean; createGraph: boolean },
): Tensor[] {
  const found = recordedGradients(outputs, inputs, seeds, options);
  return found.map((gradient, index) => gradient ?? zerosLike(inputs[index]!));
}

/** Gradient, value and what else there is, of one call. */
function gradAndValueOf(
  where: string,
  func: Transformable,
  args: readonly unknown[],
  { argnums = 0, hasAux = false }: GradTransformOptions,
): { gradient: unknown; value: unknown; aux: unknown } {
  const positions = positionsOf(where, argnums, args.length);
  return withGradLevel(where, (level) => {
    const inside = wrapTree(args, level) as unknown[];
    const inputs = inFormOf(
      argnums,
      positions.map((position) => inside[position]),
    );
    const tensors = requireGradients(where, "what argnums names", inputs);
    const result = callFunction(where, func, inside);
    const [output, aux] = hasAux ? splitAux(where, result) : [result, undefined];
    if (!(output instanceof Tensor))
      throw new TypeError(`${where}: expected func to return a tensor${hasAux ? " first" : ""}, got ${show(output)}`);
    if (output.ndim !== 0)
      throw new TypeError(
        `${where}: expected func to return a tensor without dimensions, got shape [${output.shape.join(", ")}]: reduce it with sum() or mean()`,
      );
    const gradients = derive([output], tensors, null, { createGraph: true });
    return {
      gradient: unwrapTree(withLeaves(inputs, gradients), level),
      value: unwrap(output, level),
      aux: unwrapTree(aux, level),
    };
  });
}

/**
 * The gradient of a function that returns a tensor without dimensions: `torch.func.grad`.
 *
 * @param func takes tensors, also in arrays and plain objects.
 * @returns a function of the same arguments. It gives the gradient by the argument that `argnums` names, nested as that is (a list for
 *   a list of positions), with `hasAux` as `[gradient, auxiliary]`.
 * @example
 * grad((x: Tensor) => x.sin().sum())(x); // cos(x)
 * vmap(grad(loss), { inDims: [null, 0, 0] })(weights, inputs, targets); // per-sample gradients
 */
export function grad<F extends Transformable>(
  func: F,
  argnums?: Argnums | GradTransformOptions,
  hasAux?: boolean,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as the argument is
): (...args: Parameters<F>) => any;
export function grad(func: Transformable, ...given: unknown[]): Transformable {
  checkFunction("grad", func);
  const options = byPositionOrName<GradTransformOptions>("grad", KINDS, given);
  return (...args) => {
    const { gradient, aux } = gradAndValueOf("grad", func, args, options);
    return options.hasAux === true ? [gradient, aux] : gradient;
  };
}

/** {@link grad} with the value: `[gradient, value]`, with `hasAux` `[gradient, [value, auxiliary]]`. `torch.func.grad_and_value` */
export function gradAndValue<F extends Transformable>(
  func: F,
  argnums?: Argnums | GradTransformOptions,
  hasAux?: boolean,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as the argument is
): (...args: Parameters<F>) => [gradient: any, value: any];
export function gradAndValue(
  func: Transformable,
  ...given: unknown[]
): (...args: unknown[]) => [gradient: unknown, value: unknown] {
  checkFunction("gradAndValue", func);
  const options = byPositionOrName<GradTransformOptions>("gradAndValue", KINDS, given);
  return (...args) => {
    const { gradient, value, aux } = gradAndValueOf("gradAndValue", func, args, options);
    return [gradient, options.hasAux === true ? [value, aux] : value];
  };
}

/** Options of the function that {@link vjp} returns. */
export interface PullbackOptions {
  /** Default: true */
  readonly retainGraph?: boolean;
  /** Default: whether operations are recorded where it is called */
  readonly createGraph?: boolean;
}

/** From gradients of the outputs, nested as these are, to those of the primals: a list, one entry for each. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as the primals are
export type Pullback = (cotangents: unknown, options?: PullbackOptions) => any[];

/** Options of {@link vjp}, which stand after the primals. */
export interface VjpOptions {
  /** `func` returns `[result, auxiliary]`. Default: false */
  readonly hasAux?: boolean;
}

const PULLBACK = { retainGraph: flag, createGraph: flag } satisfies KindsOf<PullbackOptions>;

/**
 * The value of a function, and the function of vector-Jacobian products: `torch.func.vjp`.
 *
 * @param primals the arguments of `func`, as a list
 * @returns `[output, pullback]`, with `hasAux` `[output, pullback, auxiliary]`
 * @example
 * const [y, pullback] = vjp((x) => x.sin(), [x]);
 * const [gradient] = pullback(onesLike(y)); // cos(x)
 */
export function vjp(
  func: Transformable,
  primals: readonly unknown[],
  options: VjpOptions = {},
  ...surplus: never[]
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- nested as the results of func are
): [output: any, pullback: Pullback, aux?: any] {
  checkFunction("vjp", func);
  checkOptions("vjp", options, { hasAux: flag }, surplus);
  if (!Array.isArray(primals))
    throw new TypeError(`vjp: expected a list of the arguments of func, vjp(func, [x]), got ${show(primals)}`);
  const { hasAux = false } = options;
  return withGradLevel("vjp", (level) => {
    const inside = wrapTree(primals, level) as unknown[];
    const inputs = requireGradients("vjp", "the primals", inside);
    const result = callFunction("vjp", func, inside);
    const [output, aux] = hasAux ? splitAux("vjp", result) : [result, undefined];
    const outputs = tensorsOf("vjp", "what func returns", output);
    // the pullback may be called when the level has ended: it outlives every scope, until nobody holds it
    keep([inputs, outputs]);
    const forms = { primals, output: mapLeaves(output, () => null) };
    const pullback: Pullback = (cotangents, given = {}, ...further: never[]) => {
      checkOptions("the function of vjp", given, PULLBACK, further);
      return pullBack(outputs, inputs, forms, cotangents, given, level);
    };
    const value = unwrapTree(output, level);
    return hasAux ? [value, pullback, unwrapTree(aux, level)] : [value, pullback];
  });
}

function pullBack(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  forms: { primals: readonly unknown[]; output: Tree },
  cotangents: unknown,
  { retainGraph = true, createGraph = isGradEnabled() }: PullbackOptions,
  level: number,
): unknown[] {
  const seeds = tensorsOf("the function of vjp", "the gradient of the result", cotangents);
  const same = JSON.stringify(mapLeaves(cotangents, () => null)) === JSON.stringify(forms.output);
  if (!same)
    throw new TypeError(
      `the function of vjp: expected gradients nested as the result of func, got ${show(cotangents)}`,
    );
  for (const [index, seed] of seeds.entries()) {
    const { shape } = outputs[index]!;
    if (seed.shape.join() !== shape.join())
      throw new TorchError(
        `the function of vjp: expected a gradient of shape [${shape.join(", ")}], that of the result, got [${seed.shape.join(", ")}]`,
        { code: "ERR_VALUE" },
      );
  }
  return scope(() => {
    const gradients = derive(outputs, inputs, seeds, { retainGraph, createGraph });
    const plain = gradients.map((gradient) => unwrap(gradient, level));
    let next = 0;
    return mapLeaves(forms.primals, () => plain[next++]) as unknown[];
  });
}

/** How many leaves a tree has. */
export function countLeaves(tree: Tree): number {
  return leavesOf(tree).length;
}
