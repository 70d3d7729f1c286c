/**
 * Initial values of weights: `torch.nn.init`. Every function fills its tensor in place, without recording, and returns
 * it. Draws come from the default generator (or `generator`) in PyTorch's order, so a seed means the same as in Python.
 */
import {
  checkArgument,
  checkOptions,
  oneOf,
  positive,
  probability,
  real,
  refuseSurplus,
  tensor as tensorKind,
  type Kind,
} from "../arguments";
import { noGrad } from "../autograd";
import { TorchError } from "../errors";
import { Generator } from "../generator";
import { tensor as makeTensor } from "../creation";
import { qr } from "../linalg.generated";
import { randperm } from "../operators.generated";
import { scope } from "../scope";
import type { Tensor } from "../tensor";

/** Where random draws come from; the default generator of the tensor's device if absent. */
export interface RandomOptions {
  generator?: Generator;
}

/** Which fan keeps the variance: of activations (`fan_in`) or of gradients (`fan_out`). */
export type FanMode = "fan_in" | "fan_out";

const NONLINEARITIES = [
  "linear",
  "conv1d",
  "conv2d",
  "conv3d",
  "conv_transpose1d",
  "conv_transpose2d",
  "conv_transpose3d",
  "sigmoid",
  "tanh",
  "relu",
  "leaky_relu",
  "selu",
] as const;

/** Names that {@link calculateGain} knows. */
export type Nonlinearity = (typeof NONLINEARITIES)[number];

const OPTIONS: Readonly<Record<keyof RandomOptions, Kind>> = {
  generator: { text: "a Generator", accepts: (value) => value instanceof Generator },
};
const NONLINEARITY = oneOf(...NONLINEARITIES);
/** Also NaN: some fill with it on purpose. */
const NUMBER: Kind = { text: "a number", accepts: (value) => typeof value === "number" };
const FAN_MODE = oneOf("fan_in", "fan_out");

/** Refuses what is not a tensor, a number, or an option of the function `where`. */
function check(
  where: string,
  tensor: Tensor,
  numbers: Readonly<Record<string, unknown>> = {},
  surplus: readonly unknown[] = [],
  options: RandomOptions = {},
): void {
  checkArgument(where, "tensor", tensor, tensorKind);
  for (const [name, value] of Object.entries(numbers)) checkArgument(where, name, value, real);
  checkOptions(where, options, OPTIONS, surplus);
}

/**
 * Factor by which a non-linearity asks weights to be larger than for a linear layer.
 *
 * @param param the negative slope of `leaky_relu` (default 0.01).
 */
export function calculateGain(nonlinearity: Nonlinearity, param?: number, ...surplus: never[]): number {
  checkArgument("calculateGain", "nonlinearity", nonlinearity, NONLINEARITY);
  if (param !== undefined) checkArgument("calculateGain", "param", param, real);
  refuseSurplus("calculateGain", surplus);
  switch (nonlinearity) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.sqrt(2);
    case "leaky_relu":
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case "selu":
      return 3 / 4;
    default:
      return 1;
  }
}

/**
 * Inputs and outputs of one entry of the layer's result, from a weight of shape (out, in, …kernel).
 *
 * @throws TorchError for fewer than two dimensions.
 */
export function calculateFanInAndFanOut(tensor: Tensor, ...surplus: never[]): [fanIn: number, fanOut: number] {
  check("calculateFanInAndFanOut", tensor, {}, surplus);
  const [outputs, inputs, ...kernel] = tensor.shape;
  if (outputs === undefined || inputs === undefined) {
    throw new TorchError(
      `Fan in and fan out: expected a weight of at least 2 dimensions, got shape [${tensor.shape.join(", ")}]`,
    );
  }
  const field = kernel.reduce((product, size) => product * size, 1);
  return [inputs * field, outputs * field];
}

/** Uniform draws from [a, b). */
export function uniform_<T extends Tensor>(
  tensor: T,
  a = 0,
  b = 1,
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("uniform_", tensor, { a, b }, surplus, options);
  return fill(tensor, () => tensor.uniform_(a, b, options));
}

/** Normal draws. */
export function normal_<T extends Tensor>(
  tensor: T,
  mean = 0,
  std = 1,
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("normal_", tensor, { mean, std }, surplus, options);
  return fill(tensor, () => tensor.normal_(mean, std, options));
}

/** One value everywhere. */
export function constant_<T extends Tensor>(tensor: T, value: number, ...surplus: never[]): T {
  check("constant_", tensor, {}, surplus);
  checkArgument("constant_", "value", value, NUMBER);
  return fill(tensor, () => tensor.fill_(value));
}

/** Zeros. */
export function zeros_<T extends Tensor>(tensor: T, ...surplus: never[]): T {
  check("zeros_", tensor, {}, surplus);
  return fill(tensor, () => tensor.zero_());
}

/** Ones. */
export function ones_<T extends Tensor>(tensor: T, ...surplus: never[]): T {
  check("ones_", tensor, {}, surplus);
  return constant_(tensor, 1);
}

/** Identity matrix (2-D tensors). */
export function eye_<T extends Tensor>(tensor: T, ...surplus: never[]): T {
  check("eye_", tensor, {}, surplus);
  if (tensor.ndim !== 2)
    throw new TorchError(`eye_: expected a tensor of 2 dimensions, got shape [${tensor.shape.join(", ")}]`);
  return fill(tensor, () => {
    tensor.zero_();
    tensor.diagonal().fill_(1);
  });
}

/**
 * Weights of a convolution, (out, in, …kernel), that hand as many channels through as there are: 1 in the middle of the kernel of channel i to
 * channel i, in each of the groups.
 */
export function dirac_<T extends Tensor>(tensor: T, groups = 1, ...surplus: never[]): T {
  check("dirac_", tensor, {}, surplus);
  checkArgument("dirac_", "groups", groups, positive);
  const [outputs, inputs, ...kernel] = tensor.shape;
  if (outputs === undefined || inputs === undefined || kernel.length < 1 || kernel.length > 3)
    throw new TorchError(`dirac_: expected a tensor of 3, 4 or 5 dimensions, got shape [${tensor.shape.join(", ")}]`);
  if (outputs % groups !== 0)
    throw new TorchError(`dirac_: expected outputs, the first dimension, in ${groups} groups, got ${outputs}`);
  const perGroup = outputs / groups;
  return fill(tensor, () => {
    tensor.zero_();
    let middle: Tensor = tensor;
    for (const size of kernel) middle = middle.select(2, Math.floor(size / 2)); // (out, in)
    for (let group = 0; group < groups; group++)
      middle
        .narrow(0, group * perGroup, perGroup)
        .diagonal()
        .fill_(1);
  });
}

/** Normal draws with a share of zeros in each column (2-D tensors), Martens 2010. All draws come from `generator`; PyTorch places the zeros with the default one. */
export function sparse_<T extends Tensor>(
  tensor: T,
  sparsity: number,
  std = 0.01,
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("sparse_", tensor, { std }, surplus, options);
  checkArgument("sparse_", "sparsity", sparsity, probability);
  if (tensor.ndim !== 2)
    throw new TorchError(`sparse_: expected a tensor of 2 dimensions, got shape [${tensor.shape.join(", ")}]`);
  const [rows, columns] = tensor.shape as [number, number];
  const zeros = Math.ceil(sparsity * rows);
  return fill(tensor, () => {
    tensor.normal_(0, std, options);
    for (let column = 0; column < columns; column++) {
      const chosen = randperm(rows, options).narrow(0, 0, zeros);
      tensor.select(1, column).indexFill_(0, chosen.to(tensor.device), 0);
    }
  });
}

/** Glorot & Bengio 2010: uniform on ±gain·√(6 / (fanIn + fanOut)). */
export function xavierUniform_<T extends Tensor>(
  tensor: T,
  gain = 1,
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("xavierUniform_", tensor, { gain }, surplus, options);
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  const std = gain * Math.sqrt(2 / (fanIn + fanOut));
  const bound = Math.sqrt(3) * std;
  return uniform_(tensor, -bound, bound, options);
}

/** Glorot & Bengio 2010: normal with std gain·√(2 / (fanIn + fanOut)). */
export function xavierNormal_<T extends Tensor>(
  tensor: T,
  gain = 1,
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("xavierNormal_", tensor, { gain }, surplus, options);
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  return normal_(tensor, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), options);
}

/** He et al. 2015: uniform on ±gain·√(3 / fan). `a` is the slope of `leaky_relu`. */
export function kaimingUniform_<T extends Tensor>(
  tensor: T,
  a = 0,
  mode: FanMode = "fan_in",
  nonlinearity: Nonlinearity = "leaky_relu",
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("kaimingUniform_", tensor, { a }, surplus, options);
  checkArgument("kaimingUniform_", "mode", mode, FAN_MODE);
  checkArgument("kaimingUniform_", "nonlinearity", nonlinearity, NONLINEARITY);
  if (tensor.numel() === 0) return tensor;
  const bound = Math.sqrt(3) * kaimingStd(tensor, a, mode, nonlinearity);
  return uniform_(tensor, -bound, bound, options);
}

/** He et al. 2015: normal with std gain / √fan. `a` is the slope of `leaky_relu`. */
export function kaimingNormal_<T extends Tensor>(
  tensor: T,
  a = 0,
  mode: FanMode = "fan_in",
  nonlinearity: Nonlinearity = "leaky_relu",
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("kaimingNormal_", tensor, { a }, surplus, options);
  checkArgument("kaimingNormal_", "mode", mode, FAN_MODE);
  checkArgument("kaimingNormal_", "nonlinearity", nonlinearity, NONLINEARITY);
  if (tensor.numel() === 0) return tensor;
  return normal_(tensor, 0, kaimingStd(tensor, a, mode, nonlinearity), options);
}

function kaimingStd(tensor: Tensor, a: number, mode: FanMode, nonlinearity: Nonlinearity): number {
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === "fan_in" ? fanIn : fanOut);
}

/** Distance from 1 to the next number: the spacing of uniform draws on [-1, 1). */
const EPSILON: Record<string, number> = { float64: 2 ** -52, float32: 2 ** -23, float16: 2 ** -10, bfloat16: 2 ** -7 };

/**
 * Normal draws cut off at `a` and `b`, by the inverse distribution function, as torch ≤ 2.11 draws them whatever
 * libtorch is linked (2.12 changed the algorithm, and with it what a seed means).
 *
 * One difference: where a bound lies so far out that the uniform draw can be exactly ±1, whose inverse is infinite,
 * PyTorch returns the bound itself (a weight of 100 σ for std 0.02); here the neighbouring draw is taken.
 */
export function truncNormal_<T extends Tensor>(
  tensor: T,
  mean = 0,
  std = 1,
  a = -2,
  b = 2,
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("truncNormal_", tensor, { mean, std, a, b }, surplus, options);
  const lower = 2 * normalCdf((a - mean) / std) - 1;
  const upper = 2 * normalCdf((b - mean) / std) - 1;
  const largest = 1 - (EPSILON[tensor.dtype] ?? 0);
  return fill(tensor, () => {
    tensor.uniform_(lower, upper, options);
    if (lower < -largest || upper > largest) tensor.clamp_(-largest, largest);
    tensor.erfinv_();
    tensor.mul_(std * Math.sqrt(2));
    tensor.add_(mean);
    tensor.clamp_(a, b);
  });
}

/** Probability of a standard normal draw below `x`. */
function normalCdf(x: number): number {
  return (
    (1 +
      Number(
        makeTensor(x / Math.SQRT2, { dtype: "float64" })
          .erf()
          .item(),
      )) /
    2
  );
}

/** A (semi-)orthogonal matrix, Saxe et al. 2013; dimensions after the first are flattened. */
export function orthogonal_<T extends Tensor>(
  tensor: T,
  gain = 1,
  options: RandomOptions = {},
  ...surplus: never[]
): T {
  check("orthogonal_", tensor, { gain }, surplus, options);
  if (tensor.ndim < 2)
    throw new TorchError(
      `orthogonal_: expected a tensor of at least 2 dimensions, got shape [${tensor.shape.join(", ")}]`,
    );
  if (tensor.numel() === 0) return tensor;
  return fill(tensor, () => {
    const rows = tensor.size(0);
    const columns = tensor.numel() / rows;
    let flat = tensor.newEmpty([rows, columns]).normal_(0, 1, options);
    if (rows < columns) flat = flat.t();
    const [q, r] = qr(flat);
    // The signs of R's diagonal make Q uniform (Mezzadri 2006).
    const signed = q.mul(r.diagonal().sign());
    tensor.copy_((rows < columns ? signed.t() : signed).reshape(tensor.shape));
    tensor.mul_(gain);
  });
}

function fill<T extends Tensor>(tensor: T, write: () => unknown): T {
  noGrad(() => scope(() => void write()));
  return tensor;
}
