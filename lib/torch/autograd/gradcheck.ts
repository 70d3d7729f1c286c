/** Checks derivatives against finite differences. */
import {
  arrayOf,
  callable,
  checkArgument,
  checkOptions,
  either,
  flag,
  nonNegative,
  nullable,
  real,
  show,
  tensor as tensorKind,
  type KindsOf,
} from "../arguments";
import { fromTypedArray, tensor } from "../creation";
import { jvp } from "../func/jvp";
import { resolveConj, viewAsComplex, viewAsReal, zerosLike } from "../operators.generated";
import { scope } from "../scope";
import { Tensor } from "../tensor";
import { grad } from "./recording";

/** Options of {@link gradcheck}. */
export interface GradcheckOptions {
  /** Step of the central differences. Default: 1e-6 */
  readonly eps?: number;
  /** Largest absolute error. Default: 1e-5 */
  readonly atol?: number;
  /** Largest error relative to the numeric derivative. Default: 1e-3 */
  readonly rtol?: number;
  /** Throws where derivatives differ; false: returns false. Default: true */
  readonly raiseException?: boolean;
  /** Also checks forward-mode derivatives. Default: false */
  readonly checkForwardAD?: boolean;
  /** Checks the backward pass. Default: true */
  readonly checkBackwardAD?: boolean;
  /** Compares one product with vectors in place of all entries: for large inputs. Default: false */
  readonly fastMode?: boolean;
}

/** Options of {@link gradgradcheck}. */
export interface GradgradcheckOptions extends Omit<GradcheckOptions, "checkForwardAD" | "checkBackwardAD"> {
  /** Gradients of the outputs, in which the first derivatives are taken. Default: fixed numbers between -1 and 1 */
  readonly gradOutputs?: Tensor | readonly Tensor[] | null;
}

const COMMON = { eps: real, atol: nonNegative, rtol: nonNegative, raiseException: flag, fastMode: flag };
const OPTIONS = { ...COMMON, checkForwardAD: flag, checkBackwardAD: flag } satisfies KindsOf<GradcheckOptions>;
const TENSORS = either(tensorKind, arrayOf(tensorKind));
const SECOND = { ...COMMON, gradOutputs: nullable(TENSORS) } satisfies KindsOf<GradgradcheckOptions>;

/** A function of the inputs, as arguments. */
type Checked = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** Derivatives that differ; anything else that goes wrong is thrown whatever `raiseException` says. */
class Mismatch extends Error {}

/**
 * Compares recorded derivatives of a function with central differences: `torch.autograd.gradcheck`. Complex tensors are checked as pairs
 * of real numbers, so errors count elements as `viewAsReal` has them.
 *
 * @param func function of the inputs, as arguments; its result is a tensor or a list of tensors of any shape.
 * @param inputs a tensor or a list; those that require gradients are varied, and have to be float64 or complex128.
 * @returns true; false where derivatives differ and `raiseException` is false
 * @throws Error with both Jacobians where they differ, TypeError for inputs that cannot be checked
 * @example
 * gradcheck((x) => x.sin(), [tensor([0.5, 1], { dtype: "float64", requiresGrad: true })]);
 */
export function gradcheck(
  func: Checked,
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
  ...surplus: never[]
): boolean {
  checkArgument("gradcheck", "body", func, callable);
  checkArgument("gradcheck", "inputs", inputs, TENSORS);
  checkOptions("gradcheck", options, OPTIONS, surplus);
  const list = listOf(inputs);
  const varied = variedOf("gradcheck", list);
  return scope(() => run("gradcheck", ofReals("gradcheck", func, list), realsOf(list), varied, options));
}

/**
 * {@link gradcheck} of second derivatives: of the gradients as functions of the inputs and of the outputs' gradients.
 * `torch.autograd.gradgradcheck`
 *
 * @throws Error and TypeError as {@link gradcheck}
 */
export function gradgradcheck(
  func: Checked,
  inputs: Tensor | readonly Tensor[],
  options: GradgradcheckOptions = {},
  ...surplus: never[]
): boolean {
  checkArgument("gradgradcheck", "body", func, callable);
  checkArgument("gradgradcheck", "inputs", inputs, TENSORS);
  checkOptions("gradgradcheck", options, SECOND, surplus);
  const { gradOutputs, ...rest } = options;
  const given = listOf(inputs);
  const varied = variedOf("gradgradcheck", given);
  return scope(() => {
    const real = ofReals("gradgradcheck", func, given);
    const list = realsOf(given);
    const outputs = real(...list);
    const seeds =
      gradOutputs === undefined || gradOutputs === null
        ? outputs.map((output, index) => numbers(output, index).requiresGrad_())
        : realsOf(listOf(gradOutputs));
    if (seeds.length !== outputs.length)
      throw new TypeError(
        `gradgradcheck: expected a gradient for each of ${outputs.length} outputs, got ${seeds.length}`,
      );
    const first = (...all: Tensor[]): Tensor[] => {
      const by = varied.map((position) => all[position]!);
      const found = grad(real(...all.slice(0, list.length)), by, {
        gradOutputs: all.slice(list.length),
        createGraph: true,
        allowUnused: true,
      });
      return found.map((gradient, index) => gradient ?? zerosLike(by[index]!));
    };
    const all = [...list, ...seeds];
    return run("gradgradcheck", first, all, variedOf("gradgradcheck", all), rest);
  });
}

const listOf = (value: Tensor | readonly Tensor[]): readonly Tensor[] => (value instanceof Tensor ? [value] : value);

function outputsOf(where: string, func: Checked, inputs: readonly Tensor[]): readonly Tensor[] {
  const result: unknown = func(...inputs);
  const outputs: readonly unknown[] = Array.isArray(result) ? result : [result];
  for (const output of outputs)
    if (!(output instanceof Tensor))
      throw new TypeError(`${where}: expected func to return a tensor or a list of tensors, got ${show(result)}`);
  return outputs as Tensor[];
}

/** Positions of the inputs that are varied. */
function variedOf(where: string, inputs: readonly Tensor[]): number[] {
  const varied = inputs.flatMap((input, index) => (input.requiresGrad ? [index] : []));
  const wrong = varied.find((index) => !["float64", "complex128"].includes(inputs[index]!.dtype));
  if (varied.length === 0 || wrong !== undefined)
    throw new TypeError(
      `${where}: expected float64 or complex128 inputs that require gradients, got ${wrong === undefined ? "none that does" : inputs[wrong]!.dtype}`,
    );
  return varied;
}

/** Complex tensors as pairs of real numbers (…, 2), which require gradients where they do; others as they are. */
const realsOf = (tensors: readonly Tensor[]): Tensor[] =>
  tensors.map((each) =>
    each.isComplex() ? viewAsReal(resolveConj(each.detach())).requiresGrad_(each.requiresGrad) : each,
  );

/** The function of the inputs' {@link realsOf}, with real results; those that have no derivative are left out. */
function ofReals(where: string, func: Checked, inputs: readonly Tensor[]): (...reals: Tensor[]) => Tensor[] {
  const complex = inputs.map((input) => input.isComplex());
  return (...reals) =>
    outputsOf(
      where,
      func,
      reals.map((real, index) => (complex[index] ? viewAsComplex(real) : real)),
    )
      .map((output) => (output.isComplex() ? viewAsReal(resolveConj(output)) : output))
      .filter((output) => output.isFloatingPoint());
}

function run(
  where: string,
  func: Problem["func"],
  inputs: readonly Tensor[],
  varied: readonly number[],
  options: GradcheckOptions,
): boolean {
  const { raiseException = true, checkForwardAD = false, checkBackwardAD = true, fastMode = false } = options;
  if (!checkForwardAD && !checkBackwardAD)
    throw new TypeError(`${where}: expected checkForwardAD or checkBackwardAD, got neither`);
  const problem: Problem = { where, func, inputs, varied, ...tolerances(options) };
  try {
    return scope(() => {
      if (fastMode && isCloseAlongVectors(problem, checkForwardAD, checkBackwardAD)) return true;
      const numeric = numericJacobians(problem);
      if (checkBackwardAD) compare(problem, numeric, reverseJacobians(problem), "recorded");
      if (checkForwardAD) compare(problem, numeric, forwardJacobians(problem), "forward-mode");
      return true;
    });
  } catch (error) {
    if (error instanceof Mismatch && !raiseException) return false;
    throw error instanceof Mismatch ? new Error(error.message) : error;
  }
}

interface Problem {
  readonly where: string;
  readonly func: (...inputs: Tensor[]) => readonly Tensor[];
  readonly inputs: readonly Tensor[];
  readonly varied: readonly number[];
  readonly eps: number;
  readonly atol: number;
  readonly rtol: number;
}

function tolerances({
  eps = 1e-6,
  atol = 1e-5,
  rtol = 1e-3,
}: GradcheckOptions): Pick<Problem, "eps" | "atol" | "rtol"> {
  return { eps, atol, rtol };
}

/** Derivatives of output `o`'s element `r` by varied input `i`'s element `c`: `[o][i][r][c]`. */
type Jacobians = Float64Array[][][];

const valuesOf = (each: Tensor): Float64Array => each.detach().to("float64").contiguous().dataSync() as Float64Array;

/** The outputs' values with one input changed. */
function evaluate({ func, inputs }: Problem, position: number, values: Float64Array): Float64Array[] {
  return scope(() => {
    const moved = fromTypedArray(values, inputs[position]!.shape, { requiresGrad: true });
    const all = inputs.map((input, index) => (index === position ? moved : input));
    return func(...all).map(valuesOf);
  });
}

function numericJacobians(problem: Problem): Jacobians {
  const { inputs, varied, eps } = problem;
  const result: Jacobians = [];
  for (const [which, position] of varied.entries()) {
    const values = valuesOf(inputs[position]!);
    for (let element = 0; element < values.length; element++) {
      const at = (shift: number): Float64Array[] => {
        const moved = Float64Array.from(values);
        moved[element]! += shift;
        return evaluate(problem, position, moved);
      };
      const [above, below] = [at(eps), at(-eps)];
      for (const [output, high] of above.entries()) {
        const rows = (((result[output] ??= [])[which] as Float64Array[] | undefined) ??= Array.from(
          high,
          () => new Float64Array(values.length),
        ));
        for (const [row, value] of high.entries()) rows[row]![element] = (value - below[output]![row]!) / (2 * eps);
      }
    }
  }
  return result;
}

function reverseJacobians({ func, inputs, varied }: Problem): Jacobians {
  const by = varied.map((position) => inputs[position]!);
  return func(...inputs).map((output) => {
    const flat = output.reshape([-1]);
    const rows: Float64Array[][] = by.map(() => []);
    for (let element = 0; element < flat.numel(); element++) {
      const found = output.requiresGrad
        ? grad(flat.select(0, element), by, { retainGraph: true, allowUnused: true })
        : by.map(() => null);
      for (const [index, gradient] of found.entries())
        rows[index]!.push(gradient === null ? new Float64Array(by[index]!.numel()) : valuesOf(gradient));
    }
    return rows;
  });
}

function forwardJacobians(problem: Problem): Jacobians {
  const { inputs, varied } = problem;
  const result: Jacobians = [];
  for (const [which, position] of varied.entries()) {
    const size = inputs[position]!.numel();
    for (let element = 0; element < size; element++) {
      const direction = new Float64Array(size);
      direction[element] = 1;
      const tangents = forwardAlong(problem, which, fromTypedArray(direction, inputs[position]!.shape));
      for (const [output, tangent] of tangents.entries()) {
        const rows = (((result[output] ??= [])[which] as Float64Array[] | undefined) ??= Array.from(
          tangent,
          () => new Float64Array(size),
        ));
        for (const [row, value] of tangent.entries()) rows[row]![element] = value;
      }
    }
  }
  return result;
}

/** Forward-mode derivatives of the outputs along a direction of one input. */
function forwardAlong({ func, inputs, varied }: Problem, which: number, direction: Tensor): Float64Array[] {
  const position = varied[which]!;
  return scope(() => {
    const along = (moved: Tensor): Tensor[] => [
      ...func(...inputs.map((input, index) => (index === position ? moved : input.detach()))),
    ];
    const [, tangents] = jvp(along, [inputs[position]!.detach()], [direction]) as [Tensor[], Tensor[]];
    return tangents.map(valuesOf);
  });
}

function compare({ where, atol, rtol, varied }: Problem, numeric: Jacobians, analytic: Jacobians, kind: string): void {
  for (const [output, byInput] of numeric.entries())
    for (const [which, rows] of byInput.entries())
      for (const [row, entries] of rows.entries())
        for (const [column, expected] of entries.entries()) {
          const got = analytic[output]![which]![row]![column]!;
          if (Math.abs(got - expected) <= atol + rtol * Math.abs(expected)) continue;
          throw new Mismatch(
            `${where}: expected d output${numeric.length > 1 ? ` ${output}` : ""}[${row}] / d input ${varied[which]}[${column}] = ${expected} (finite differences), got ${got} (${kind})\n` +
              `Jacobian mismatch for output ${output} with respect to input ${varied[which]}, a row for each element of the output:\n` +
              `numerical: ${matrix(rows)}\nanalytical: ${matrix(analytic[output]![which]!)}`,
          );
        }
}

function matrix(rows: readonly Float64Array[]): string {
  return scope(() =>
    tensor(
      rows.map((row) => Array.from(row)),
      { dtype: "float64" },
    ).toString(),
  );
}

// ---- one product in place of all entries

/** Fixed numbers between -1 and 1, of the tensor's shape: a draw would disturb the program's random numbers. */
function numbers(like: Tensor, salt: number): Tensor {
  const values = Float64Array.from({ length: like.numel() }, (_, index) => {
    const fraction = ((index + 1 + 31 * (salt + 1)) * 0.6180339887498949) % 1;
    return 2 * fraction - 1;
  });
  return fromTypedArray(values, like.shape).to({ dtype: like.dtype, device: like.device });
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, index) => sum + value * b[index]!, 0);

function isCloseAlongVectors(problem: Problem, forward: boolean, backward: boolean): boolean {
  const { func, inputs, varied, eps, atol, rtol } = problem;
  const outputs = func(...inputs);
  return varied.every((position, which) => {
    const input = inputs[position]!;
    const direction = valuesOf(numbers(input, which));
    const values = valuesOf(input);
    const at = (sign: number): Float64Array[] =>
      evaluate(
        problem,
        position,
        values.map((value, index) => value + sign * eps * direction[index]!),
      );
    const [above, below] = [at(1), at(-1)];
    const tangents = forward ? forwardAlong(problem, which, fromTypedArray(direction, input.shape)) : null;
    return outputs.every((output, index) => {
      const weights = numbers(output, index + 7);
      const difference = above[index]!.map((value, element) => (value - below[index]![element]!) / (2 * eps));
      const numeric = dot(difference, valuesOf(weights));
      const candidates: number[] = [];
      if (backward) {
        const [found] = output.requiresGrad
          ? grad(output, input, { gradOutputs: weights, retainGraph: true, allowUnused: true })
          : [null];
        candidates.push(found ? dot(valuesOf(found), direction) : 0);
      }
      if (tangents !== null) candidates.push(dot(tangents[index]!, valuesOf(weights)));
      return candidates.every((got) => Math.abs(got - numeric) <= atol + rtol * Math.abs(numeric));
    });
  });
}
