import { NO_OPTIONS, checkArgument, checkOptions, flag, real } from "../../arguments";
import {
  alphaDropout as alphaDropoutOperator,
  alphaDropout_,
  dropout as dropoutOperator,
  dropout_,
  featureAlphaDropout as featureAlphaDropoutOperator,
  featureAlphaDropout_,
  featureDropout,
  featureDropout_,
} from "../../operators.generated";
import { TorchError } from "../../errors";
import type { Tensor } from "../../tensor";

const OPTIONS = { inplace: flag };

interface Options {
  /** Write the result into the input's memory (default false). */
  inplace?: boolean;
}

function check(where: string, p: number, training: boolean, options: Options, surplus: readonly unknown[]): void {
  if (typeof p !== "number" || typeof training !== "boolean") {
    checkArgument(where, "p", p, real);
    checkArgument(where, "training", training, flag);
  }
  checkOptions(where, options, OPTIONS, surplus);
}

/** Zeroes entries with probability `p` and scales the rest by 1/(1 − p); the input itself when not `training`. */
export function dropout(
  input: Tensor,
  p = 0.5,
  training = true,
  options: Options = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  check("dropout", p, training, options, surplus);
  return options.inplace ? dropout_(input, p, training) : dropoutOperator(input, p, training);
}

/** Channels of (…, `dims` dimensions of positions): inputs without a batch get one for the call. */
function dropChannels(
  where: string,
  dims: number,
  input: Tensor,
  p: number,
  training: boolean,
  inplace = false,
): Tensor {
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new TorchError(
      `${where}: expected an input of ${dims + 1} or ${dims + 2} dimensions, got shape [${input.shape.join(", ")}]`,
    );
  const drop = inplace ? featureDropout_ : featureDropout;
  return input.ndim === dims + 2 ? drop(input, p, training) : drop(input.unsqueeze(0), p, training).squeeze(0);
}

/** {@link dropout} of whole channels: (N, C, L) or (C, L). */
export function dropout1d(
  input: Tensor,
  p = 0.5,
  training = true,
  options: Options = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  check("dropout1d", p, training, options, surplus);
  return dropChannels("dropout1d", 1, input, p, training, options.inplace);
}

/** {@link dropout} of whole channels: (N, C, H, W). An input of three dimensions is (N, C, L), as in PyTorch. */
export function dropout2d(
  input: Tensor,
  p = 0.5,
  training = true,
  options: Options = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  check("dropout2d", p, training, options, surplus);
  if (input.ndim !== 3 && input.ndim !== 4)
    throw new TorchError(`dropout2d: expected an input of 3 or 4 dimensions, got shape [${input.shape.join(", ")}]`);
  return (options.inplace ? featureDropout_ : featureDropout)(input, p, training);
}

/** {@link dropout} of whole channels: (N, C, D, H, W) or (C, D, H, W). */
export function dropout3d(
  input: Tensor,
  p = 0.5,
  training = true,
  options: Options = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  check("dropout3d", p, training, options, surplus);
  return dropChannels("dropout3d", 3, input, p, training, options.inplace);
}

/** Dropout that keeps mean and variance of standard normal entries. */
export function alphaDropout(
  input: Tensor,
  p = 0.5,
  training = false,
  options: Options = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  check("alphaDropout", p, training, options, surplus);
  return (options.inplace ? alphaDropout_ : alphaDropoutOperator)(input, p, training);
}

/** {@link alphaDropout} of whole channels. */
export function featureAlphaDropout(
  input: Tensor,
  p = 0.5,
  training = false,
  options: Options = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  check("featureAlphaDropout", p, training, options, surplus);
  return (options.inplace ? featureAlphaDropout_ : featureAlphaDropoutOperator)(input, p, training);
}
