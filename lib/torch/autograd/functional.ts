/** Derivatives of whole functions: `torch.autograd.functional`. `torch.func` has the same for functions of functions. */
import { byPositionOrName, callable, checkArgument, flag, oneOf, show, type KindsOf } from "../arguments";
import { refusePromise } from "../async-context";
import { TorchError } from "../errors";
import { jacfwd, jacrev } from "../func/jacobian";
import { vmap } from "../func/vmap";
import { cat, stack, zerosLike } from "../operators.generated";
import { scope } from "../scope";
import { Tensor } from "../tensor";
import { recordedGradients } from "./recorded-gradients";
import { enableGrad } from "./recording";

/** A tensor, or a list of them. */
export type Tensors = Tensor | readonly Tensor[];
/** A function of one tensor, or of several as arguments. */
export type TensorFunction = (...inputs: Tensor[]) => Tensor | Tensor[];

/** Options of products with a vector. */
export interface ProductOptions {
  /** Records the derivative itself, so that it can be derived again. Default: false */
  readonly createGraph?: boolean;
  /** Refuses inputs that a result does not depend on, whose derivative would be zero. Default: false */
  readonly strict?: boolean;
}

/** Options of {@link jacobian}, which can also be given by position in this order. */
export interface JacobianOptions extends ProductOptions {
  /** All rows at once, by vmap. Default: false */
  readonly vectorize?: boolean;
  /** `"forward-mode"` needs `vectorize`. Default: `"reverse-mode"` */
  readonly strategy?: "reverse-mode" | "forward-mode";
}

/** Options of {@link hessian}, which can also be given by position in this order. */
export interface HessianOptions extends ProductOptions {
  readonly vectorize?: boolean;
  /** Of the outer of both derivatives. `"forward-mode"` needs `vectorize`. Default: `"reverse-mode"` */
  readonly outerJacobianStrategy?: "reverse-mode" | "forward-mode";
}

interface VectorArguments extends ProductOptions {
  readonly v?: Tensors | null;
}

const isTensors = (value: unknown): boolean =>
  value instanceof Tensor ||
  (Array.isArray(value) && value.length > 0 && value.every((each) => each instanceof Tensor));
const tensors = { text: "a tensor or a list of tensors", accepts: isTensors };
const STRATEGY = oneOf("reverse-mode", "forward-mode");
const PRODUCT = {
  v: { text: `${tensors.text}, or null`, accepts: (value: unknown) => value === null || isTensors(value) },
  createGraph: flag,
  strict: flag,
} satisfies KindsOf<VectorArguments>;
const JACOBIAN = {
  createGraph: flag,
  strict: flag,
  vectorize: flag,
  strategy: STRATEGY,
} satisfies KindsOf<JacobianOptions>;
const HESSIAN = {
  createGraph: flag,
  strict: flag,
  vectorize: flag,
  outerJacobianStrategy: STRATEGY,
} satisfies KindsOf<HessianOptions>;

// ---- what all of them do

const listOf = (value: Tensors): readonly Tensor[] => (value instanceof Tensor ? [value] : value);
/** A list where there was one. */
const like = <T>(given: unknown, list: readonly T[]): T | T[] => (Array.isArray(given) ? [...list] : list[0]!);

function check(where: string, func: unknown, inputs: unknown): void {
  checkArgument(where, "func", func, callable);
  checkArgument(where, "inputs", inputs, tensors);
  for (const input of listOf(inputs as Tensors))
    if (!input.isFloatingPoint() && !input.isComplex())
      throw new TypeError(`${where}: expected floating point or complex inputs, got ${input.dtype}`);
}

/** The inputs as leaves of a graph of their own, or as results that keep their history, for `createGraph`. */
function inputsFor(inputs: Tensors, createGraph: boolean): Tensor[] {
  return listOf(inputs).map((input) =>
    createGraph && input.requiresGrad ? input.viewAs(input) : input.detach().requiresGrad_(),
  );
}

function outputsOf(where: string, func: TensorFunction, inputs: readonly Tensor[]): Tensor | Tensor[] {
  const outputs: unknown = func(...inputs);
  refusePromise(where, outputs);
  if (!isTensors(outputs))
    throw new TypeError(`${where}: expected func to return a tensor or a list of tensors, got ${show(outputs)}`);
  return outputs as Tensor | Tensor[];
}

const settle = (list: readonly Tensor[], createGraph: boolean): Tensor[] =>
  createGraph ? [...list] : list.map((each) => each.detach());

const strictly = (where: string, problem: string): TorchError =>
  new TorchError(`${where}: ${problem}: without strict its derivative is zero`, { code: "ERR_AUTOGRAD" });

function requireRecorded(where: string, list: readonly (Tensor | null)[], what: string, strict: boolean): void {
  if (!strict) return;
  for (const [index, each] of list.entries())
    if (each === null || !each.requiresGrad) throw strictly(where, `${what} ${index} does not depend on the inputs`);
}

/** Gradients, null where there are none; the graph stays for another pass. */
function gradients(
  outputs: readonly (Tensor | null)[],
  inputs: readonly Tensor[],
  seeds: readonly Tensor[] | null,
  createGraph: boolean,
): (Tensor | null)[] {
  return recordedGradients(outputs, inputs, seeds, { retainGraph: true, createGraph });
}

/** `J v` by two reverse passes: the gradient is linear in what it is multiplied with, and its derivative by that is the Jacobian. */
function forwardProduct(
  where: string,
  what: string,
  outputs: readonly (Tensor | null)[],
  inputs: readonly Tensor[],
  vector: readonly Tensor[],
  { createGraph, strict }: Required<ProductOptions>,
): (Tensor | null)[] {
  // an output that is missing is a gradient, of its input's form
  const seeds = outputs.map((output, index) => zerosLike(output ?? inputs[index]!).requiresGrad_());
  const linear = gradients(outputs, inputs, seeds, true);
  requireRecorded(where, linear, what, strict);
  return gradients(linear, seeds, vector, createGraph);
}

/** Zeros where there is no gradient; refused where that is strict. */
function filled(
  where: string,
  found: readonly (Tensor | null)[],
  references: readonly Tensor[],
  { createGraph = false, strict = false }: ProductOptions,
): Tensor[] {
  return found.map((gradient, index) => {
    if (gradient === null) {
      if (strict) throw strictly(where, `the result does not depend on input ${index}`);
      return zerosLike(references[index]!);
    }
    if (strict && createGraph && !gradient.requiresGrad)
      throw strictly(where, `the derivative does not depend on input ${index}`);
    return gradient;
  });
}

/** The vector of a product: of the tensors' shapes; left out for a single element. */
function vectorFor(
  where: string,
  v: Tensors | null | undefined,
  references: readonly Tensor[],
  many: boolean,
): Tensor[] {
  if (v === undefined || v === null) {
    if (references.length !== 1 || references[0]!.numel() !== 1)
      throw new TypeError(`${where}: expected a vector v: it may be left out for a single tensor of one element`);
    return [zerosLike(references[0]!).add(1)];
  }
  const list = listOf(v);
  if (Array.isArray(v) !== many && (many || list.length !== 1))
    throw new TypeError(`${where}: expected ${many ? "a list of tensors" : "a tensor"} for v, got ${show(v)}`);
  if (list.length !== references.length)
    throw new TypeError(`${where}: expected ${references.length} tensors for v, got ${list.length}`);
  for (const [index, each] of list.entries()) {
    const { shape } = references[index]!;
    if (each.shape.join() !== shape.join())
      throw new TypeError(
        `${where}: expected shape [${shape.join(", ")}] for v${many ? ` at position ${index}` : ""}, got [${each.shape.join(", ")}]`,
      );
  }
  return [...list];
}

function scalarOf(where: string, outputs: Tensor | Tensor[]): Tensor {
  if (!(outputs instanceof Tensor) || outputs.numel() !== 1)
    throw new TypeError(
      `${where}: expected func to return a tensor of one element, got ${outputs instanceof Tensor ? `shape [${outputs.shape.join(", ")}]` : show(outputs)}`,
    );
  return outputs;
}

/** Runs with recording on; what is not returned is freed. */
const recording = <T>(body: () => T): T => scope(() => enableGrad(body));

// ---- products with a vector

/**
 * The value of a function and the product of a vector with its Jacobian, `vᵀ J`.
 *
 * @param func of the inputs, as arguments
 * @param v a vector of the outputs' shapes; may be left out for one output of one element
 * @returns `[outputs, product]`; the product is nested as the inputs
 */
export function vjp(
  func: TensorFunction,
  inputs: Tensors,
  v?: Tensors | null | (ProductOptions & { v?: Tensors | null }),
  createGraph?: boolean | ProductOptions,
  strict?: boolean | ProductOptions,
): [outputs: Tensor | Tensor[], product: Tensor | Tensor[]];
export function vjp(
  func: TensorFunction,
  inputs: Tensors,
  ...given: unknown[]
): [outputs: Tensor | Tensor[], product: Tensor | Tensor[]] {
  check("vjp", func, inputs);
  const { v, createGraph = false, strict = false } = byPositionOrName<VectorArguments>("vjp", PRODUCT, given);
  return recording(() => {
    const own = inputsFor(inputs, createGraph);
    const outputs = outputsOf("vjp", func, own);
    requireRecorded("vjp", listOf(outputs), "output", strict);
    const vector = vectorFor("vjp", v, listOf(outputs), Array.isArray(outputs));
    const found = gradients(listOf(outputs), own, vector, createGraph);
    const product = filled("vjp", found, own, { createGraph, strict });
    return [like(outputs, settle(listOf(outputs), createGraph)), like(inputs, settle(product, createGraph))];
  });
}

/**
 * The value of a function and the product of its Jacobian with a vector, `J v`, by differentiating the reverse pass. `func.jvp` gives it in
 * forward mode, in one pass.
 *
 * @param v a vector of the inputs' shapes; may be left out for one input of one element
 * @returns `[outputs, product]`; the product is nested as the outputs
 */
export function jvp(
  func: TensorFunction,
  inputs: Tensors,
  v?: Tensors | null | (ProductOptions & { v?: Tensors | null }),
  createGraph?: boolean | ProductOptions,
  strict?: boolean | ProductOptions,
): [outputs: Tensor | Tensor[], product: Tensor | Tensor[]];
export function jvp(
  func: TensorFunction,
  inputs: Tensors,
  ...given: unknown[]
): [outputs: Tensor | Tensor[], product: Tensor | Tensor[]] {
  check("jvp", func, inputs);
  const { v, createGraph = false, strict = false } = byPositionOrName<VectorArguments>("jvp", PRODUCT, given);
  return recording(() => {
    const vector = vectorFor("jvp", v, listOf(inputs), Array.isArray(inputs));
    const own = inputsFor(inputs, createGraph);
    const outputs = outputsOf("jvp", func, own);
    requireRecorded("jvp", listOf(outputs), "output", strict);
    const found = forwardProduct("jvp", "the gradient by input", listOf(outputs), own, vector, { createGraph, strict });
    const product = filled("jvp", found, listOf(outputs), { createGraph, strict });
    return [like(outputs, settle(listOf(outputs), createGraph)), like(outputs, settle(product, createGraph))];
  });
}

/**
 * The value of a function with one element as result, and the product of a vector with its Hessian, `vᵀ H`.
 *
 * @param v a vector of the inputs' shapes; may be left out for one input of one element
 * @returns `[output, product]`; the product is nested as the inputs
 */
export function vhp(
  func: TensorFunction,
  inputs: Tensors,
  v?: Tensors | null | (ProductOptions & { v?: Tensors | null }),
  createGraph?: boolean | ProductOptions,
  strict?: boolean | ProductOptions,
): [output: Tensor, product: Tensor | Tensor[]];
export function vhp(
  func: TensorFunction,
  inputs: Tensors,
  ...given: unknown[]
): [output: Tensor, product: Tensor | Tensor[]] {
  return hessianProduct("vhp", func, inputs, given, (gradient, own, vector, { createGraph }) =>
    gradients(gradient, own, vector, createGraph),
  );
}

/** As {@link vhp} for `H v`, which is the same for twice differentiable functions and takes a pass more. */
export function hvp(
  func: TensorFunction,
  inputs: Tensors,
  v?: Tensors | null | (ProductOptions & { v?: Tensors | null }),
  createGraph?: boolean | ProductOptions,
  strict?: boolean | ProductOptions,
): [output: Tensor, product: Tensor | Tensor[]];
export function hvp(
  func: TensorFunction,
  inputs: Tensors,
  ...given: unknown[]
): [output: Tensor, product: Tensor | Tensor[]] {
  return hessianProduct("hvp", func, inputs, given, (gradient, own, vector, options) =>
    forwardProduct("hvp", "the second derivative by input", gradient, own, vector, options),
  );
}

/** Value and product of {@link vhp} and {@link hvp}, which multiply the gradient's Jacobian from either side. */
function hessianProduct(
  where: string,
  func: TensorFunction,
  inputs: Tensors,
  given: readonly unknown[],
  multiply: (
    gradient: readonly (Tensor | null)[],
    own: readonly Tensor[],
    vector: readonly Tensor[],
    options: Required<ProductOptions>,
  ) => (Tensor | null)[],
): [output: Tensor, product: Tensor | Tensor[]] {
  check(where, func, inputs);
  const { v, createGraph = false, strict = false } = byPositionOrName<VectorArguments>(where, PRODUCT, given);
  return recording(() => {
    const vector = vectorFor(where, v, listOf(inputs), Array.isArray(inputs));
    const own = inputsFor(inputs, createGraph);
    const output = scalarOf(where, outputsOf(where, func, own));
    requireRecorded(where, [output], "output", strict);
    const gradient = gradients([output], own, null, true);
    requireRecorded(where, gradient, "the gradient by input", strict);
    const product = filled(where, multiply(gradient, own, vector, { createGraph, strict }), own, {
      createGraph,
      strict,
    });
    return [settle([output], createGraph)[0]!, like(inputs, settle(product, createGraph))];
  });
}

// ---- matrices

/** A Jacobian: of shape (...output, ...input); a list for a list of inputs, of outputs, or a list of lists for both. */
export type Jacobian = Tensor | Tensor[] | Tensor[][];

/**
 * The Jacobian of a function.
 *
 * @param func of the inputs, as arguments
 * @returns for one output and one input a tensor (...output, ...input), for lists of them lists, outputs outside
 */
export function jacobian(
  func: TensorFunction,
  inputs: Tensors,
  createGraph?: boolean | JacobianOptions,
  strict?: boolean | JacobianOptions,
  vectorize?: boolean | JacobianOptions,
  strategy?: "reverse-mode" | "forward-mode",
): Jacobian;
export function jacobian(func: TensorFunction, inputs: Tensors, ...given: unknown[]): Jacobian {
  check("jacobian", func, inputs);
  const options = byPositionOrName<JacobianOptions>("jacobian", JACOBIAN, given);
  const { createGraph = false, strict = false, vectorize = false, strategy = "reverse-mode" } = options;
  if (strategy === "forward-mode") return forwardJacobian(func, inputs, createGraph, strict, vectorize);
  if (strict && vectorize)
    throw new TypeError(
      "jacobian: expected strict or vectorize, got both: rows that are computed together hide what is independent",
    );
  return recording(() => {
    const own = inputsFor(inputs, createGraph);
    const outputs = outputsOf("jacobian", func, own);
    requireRecorded("jacobian", listOf(outputs), "output", strict);
    const rows = vectorize
      ? rowsTogether(listOf(outputs), own, createGraph)
      : listOf(outputs).map((output, index) => rowsOf(output, index, own, createGraph, strict));
    return like(
      outputs,
      rows.map((list) => like(inputs, settle(list, createGraph))),
    ) as Jacobian;
  });
}

/** One row after the other: for each input (...output, ...input). */
function rowsOf(
  output: Tensor,
  index: number,
  inputs: readonly Tensor[],
  createGraph: boolean,
  strict: boolean,
): Tensor[] {
  const flat = output.reshape([-1]);
  const columns: Tensor[][] = inputs.map(() => []);
  for (let element = 0; element < flat.numel(); element++) {
    const found = gradients([flat.select(0, element)], inputs, null, createGraph);
    for (const [at, gradient] of found.entries()) {
      if (gradient === null && strict) throw strictly("jacobian", `output ${index} does not depend on input ${at}`);
      if (gradient !== null && strict && createGraph && !gradient.requiresGrad)
        throw strictly("jacobian", `the derivative of output ${index} does not depend on input ${at}`);
      columns[at]!.push(gradient ?? zerosLike(inputs[at]!));
    }
  }
  return columns.map((list, at) => {
    const shape = [...output.shape, ...inputs[at]!.shape];
    return list.length === 0 ? inputs[at]!.newZeros(shape) : stack(list).reshape(shape); // (numel, ...input) → (...output, ...input)
  });
}

/** All rows of all outputs at once. */
function rowsTogether(outputs: readonly Tensor[], inputs: readonly Tensor[], createGraph: boolean): Tensor[][] {
  const sizes = outputs.map((output) => output.numel());
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total === 0)
    return outputs.map((output) => inputs.map((input) => input.newZeros([...output.shape, ...input.shape])));
  const seeds = outputs.map((output, index) => {
    const before = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    const flat = [
      output.newZeros([before, sizes[index]!]),
      output.newZeros([sizes[index]!, sizes[index]!]).fillDiagonal_(1),
      output.newZeros([total - before - sizes[index]!, sizes[index]!]),
    ];
    return cat(flat).reshape([total, ...output.shape]); // (total, numel) → (total, ...output)
  });
  const rows = vmap((...each: Tensor[]) =>
    gradients(outputs, inputs, each, createGraph).map((gradient, at) => gradient ?? zerosLike(inputs[at]!)),
  )(...seeds) as Tensor[]; // for each input (total, ...input)
  let start = 0;
  return outputs.map((output, index) => {
    const parts = rows.map(
      (all, at) => all.narrow(0, start, sizes[index]!).reshape([...output.shape, ...inputs[at]!.shape]), // (numel, ...input) → (...output, ...input)
    );
    start += sizes[index]!;
    return parts;
  });
}

function checkForward(where: string, createGraph: boolean, strict: boolean, vectorize: boolean): void {
  if (!vectorize) throw new TypeError(`${where}: expected vectorize: true with the strategy "forward-mode", got false`);
  if (strict) throw new TypeError(`${where}: expected strict: false with the strategy "forward-mode", got true`);
  if (createGraph)
    throw new TypeError(
      `${where}: expected createGraph: false with the strategy "forward-mode", got true: func.jacfwd and func.hessian can be derived again`,
    );
}

function forwardJacobian(
  func: TensorFunction,
  inputs: Tensors,
  createGraph: boolean,
  strict: boolean,
  vectorize: boolean,
): Jacobian {
  checkForward("jacobian", createGraph, strict, vectorize);
  const own = listOf(inputs).map((input) => input.detach());
  const positions = own.map((_, index) => index);
  const inside = (...each: Tensor[]): Tensor | Tensor[] => outputsOf("jacobian", func, each);
  const rows = jacfwd(inside, positions)(...own) as Tensor[] | Tensor[][];
  const isList = Array.isArray(rows[0]);
  const lists = (isList ? rows : [rows]) as Tensor[][];
  return like(
    isList ? lists : null,
    lists.map((list) => like(inputs, settle(list, false))),
  ) as Jacobian;
}

function forwardHessian(
  func: (...each: Tensor[]) => Tensor,
  inputs: Tensors,
  createGraph: boolean,
  strict: boolean,
  vectorize: boolean,
): Tensor | Tensor[][] {
  checkForward("hessian", createGraph, strict, vectorize);
  const own = listOf(inputs).map((input) => input.detach());
  const positions = own.map((_, index) => index);
  const rows = jacfwd(jacrev(func, positions), positions)(...own) as Tensor[][];
  return like(
    inputs,
    rows.map((list) => like(inputs, settle(list, false))),
  ) as Tensor | Tensor[][];
}

/**
 * The Hessian of a function with one element as result.
 *
 * @returns for one input a tensor (...input, ...input), for a list a list of lists
 */
export function hessian(
  func: TensorFunction,
  inputs: Tensors,
  createGraph?: boolean | HessianOptions,
  strict?: boolean | HessianOptions,
  vectorize?: boolean | HessianOptions,
  outerJacobianStrategy?: "reverse-mode" | "forward-mode",
): Tensor | Tensor[][];
export function hessian(func: TensorFunction, inputs: Tensors, ...given: unknown[]): Tensor | Tensor[][] {
  check("hessian", func, inputs);
  const options = byPositionOrName<HessianOptions>("hessian", HESSIAN, given);
  const { createGraph = false, strict = false, vectorize = false, outerJacobianStrategy = "reverse-mode" } = options;
  if (strict && vectorize)
    throw new TypeError(
      "hessian: expected strict or vectorize, got both: rows that are computed together hide what is independent",
    );
  const scalar = (...each: Tensor[]): Tensor => {
    const output = scalarOf("hessian", outputsOf("hessian", func, each));
    requireRecorded("hessian", [output], "output", strict);
    return output.reshape([]);
  };
  const forward = outerJacobianStrategy === "forward-mode";
  if (forward) return forwardHessian(scalar, inputs, createGraph, strict, vectorize);
  const first = (...each: Tensor[]): Tensor | Tensor[] =>
    jacobian(scalar, Array.isArray(inputs) ? each : each[0]!, { createGraph: true }) as Tensor | Tensor[];
  return jacobian(first, inputs, { createGraph, strict, vectorize }) as Tensor | Tensor[][];
}
