/** Activations with PyTorch's `inplace`: the operator, or the one that writes into its input. */
import { checkArgument, flag, isPlainObject } from "../../arguments";
import { TorchError } from "../../errors";
import * as operators from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** What `inplace` adds to an operator with these named arguments. */
type WithInplace<Operator, Named = object> = Operator &
  ((
    input: Tensor,
    options: Named & { /** Write the result into the input's memory (default false). */ inplace?: boolean },
  ) => Tensor);

type Operation = (...args: unknown[]) => Tensor;

function withInplace<Operator, Named = object>(
  name: string,
  plain: Operator,
  inplace: unknown,
): WithInplace<Operator, Named> {
  const activation = (...args: unknown[]): Tensor => {
    const last = args.at(-1);
    if (!isPlainObject(last) || !("inplace" in last)) return (plain as Operation)(...args);
    const { inplace: wanted = false, ...options } = last;
    checkArgument(name, "inplace", wanted, flag);
    const rest = [...args.slice(0, -1), ...(Object.keys(options).length > 0 ? [options] : [])];
    return ((wanted ? inplace : plain) as Operation)(...rest);
  };
  Object.defineProperty(activation, "name", { value: name });
  return activation as WithInplace<Operator, Named>;
}

/** Refuses bounds in the wrong order, which the operator would take. */
function bounded(operator: unknown): Operation {
  return (...args: unknown[]): Tensor => {
    const last = args.at(-1);
    const options = isPlainObject(last) ? last : {};
    const [minVal, maxVal] = [args[1], args[2]].map((value) => (typeof value === "number" ? value : undefined));
    const [low, high] = [minVal ?? options.minVal ?? -1, maxVal ?? options.maxVal ?? 1] as [number, number];
    if (low > high) throw new TorchError(`hardtanh: expected minVal of at most maxVal, got ${low} and ${high}`);
    return (operator as Operation)(...args);
  };
}

/** max(x, 0) */
export const relu = withInplace("relu", operators.relu, operators.relu_);
/** min(max(x, 0), 6) */
export const relu6 = withInplace("relu6", operators.relu6, operators.relu6_);
/** x, or α (eˣ − 1) below 0 */
export const elu = withInplace<typeof operators.elu, { alpha?: number }>("elu", operators.elu, operators.elu_);
/** max(0, x) + min(0, α (exp(x/α) − 1)) */
export const celu = withInplace<typeof operators.celu, { alpha?: number }>("celu", operators.celu, operators.celu_);
/** ELU with the scales that keep mean and variance */
export const selu = withInplace("selu", operators.selu, operators.selu_);
/** x, or `negativeSlope` · x below 0 */
export const leakyRelu = withInplace<typeof operators.leakyRelu, { negativeSlope?: number }>(
  "leakyRelu",
  operators.leakyRelu,
  operators.leakyRelu_,
);
/** x, or below 0 times a slope that is drawn while training */
export const rrelu = withInplace<typeof operators.rrelu, { lower?: number; upper?: number; training?: boolean }>(
  "rrelu",
  operators.rrelu,
  operators.rrelu_,
);
/** x · σ(x) */
export const silu = withInplace("silu", operators.silu, operators.silu_);
/** x · tanh(softplus(x)) */
export const mish = withInplace("mish", operators.mish, operators.mish_);
/** min(max(x/6 + ½, 0), 1) */
export const hardsigmoid = withInplace("hardsigmoid", operators.hardsigmoid, operators.hardsigmoid_);
/** x · hardsigmoid(x) */
export const hardswish = withInplace("hardswish", operators.hardswish, operators.hardswish_);
/** min(max(x, minVal), maxVal) */
export const hardtanh = withInplace<typeof operators.hardtanh, { minVal?: number; maxVal?: number }>(
  "hardtanh",
  bounded(operators.hardtanh) as typeof operators.hardtanh,
  bounded(operators.hardtanh_),
);
/** x above `threshold`, else `value` */
export const threshold = withInplace<typeof operators.threshold, { threshold: number; value: number }>(
  "threshold",
  operators.threshold,
  operators.threshold_,
);
