/** Dropout: entries or whole channels are zeroed at random. */
import { NO_OPTIONS, byPositionOrName, flag, real, type KindsOf } from "../../arguments";
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

/** The arguments of {@link dropout} and its kin that have a default. */
export interface DropoutOptions {
  /** Probability of an entry to be zeroed (default 0.5). */
  p?: number;
  /** Default: true, of the alpha dropouts false. */
  training?: boolean;
  /** Write the result into the input's memory (default false). */
  inplace?: boolean;
}

const KINDS = { p: real, training: flag, inplace: flag } satisfies KindsOf<DropoutOptions>;

/** A dropout, with its arguments by position or by name. */
export interface Dropout {
  (input: Tensor, p?: number, training?: boolean, options?: { inplace?: boolean }): Tensor;
  (input: Tensor, p: number, options: { training?: boolean; inplace?: boolean }): Tensor;
  (input: Tensor, options: DropoutOptions): Tensor;
}

function define(
  name: string,
  trainingByDefault: boolean,
  run: (input: Tensor, p: number, training: boolean, inplace: boolean) => Tensor,
): Dropout {
  const drop = (input: Tensor, ...given: unknown[]): Tensor => {
    const [p, training] = given;
    if (given.length === 2 && typeof p === "number" && typeof training === "boolean" && !Number.isNaN(p))
      return run(input, p, training, false); // as layers call it
    const options: DropoutOptions = given.length === 0 ? NO_OPTIONS : byPositionOrName(name, KINDS, given);
    return run(input, options.p ?? 0.5, options.training ?? trainingByDefault, options.inplace ?? false);
  };
  Object.defineProperty(drop, "name", { value: name });
  return drop as Dropout;
}

/** Zeroes entries with probability `p` and scales the rest by 1/(1 − p); the input itself when not `training`. */
export const dropout = define("dropout", true, (input, p, training, inplace) =>
  inplace ? dropout_(input, p, training) : dropoutOperator(input, p, training),
);

/** Channels of (…, `dims` dimensions of positions): inputs without a batch get one for the call. */
const ofChannels =
  (name: string, dims: number) =>
  (input: Tensor, p: number, training: boolean, inplace: boolean): Tensor => {
    if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
      throw new TorchError(
        `${name}: expected an input of ${dims + 1} or ${dims + 2} dimensions, got shape [${input.shape.join(", ")}]`,
      );
    const drop = inplace ? featureDropout_ : featureDropout;
    return input.ndim === dims + 2 ? drop(input, p, training) : drop(input.unsqueeze(0), p, training).squeeze(0);
  };

/** {@link dropout} of whole channels: (N, C, L) or (C, L). */
export const dropout1d = define("dropout1d", true, ofChannels("dropout1d", 1));

/** {@link dropout} of whole channels: (N, C, H, W). An input of three dimensions is (N, C, L), as in PyTorch. */
export const dropout2d = define("dropout2d", true, (input, p, training, inplace) => {
  if (input.ndim !== 3 && input.ndim !== 4)
    throw new TorchError(`dropout2d: expected an input of 3 or 4 dimensions, got shape [${input.shape.join(", ")}]`);
  return (inplace ? featureDropout_ : featureDropout)(input, p, training);
});

/** {@link dropout} of whole channels: (N, C, D, H, W) or (C, D, H, W). */
export const dropout3d = define("dropout3d", true, ofChannels("dropout3d", 3));

/** Dropout that keeps mean and variance of standard normal entries. */
export const alphaDropout = define("alphaDropout", false, (input, p, training, inplace) =>
  (inplace ? alphaDropout_ : alphaDropoutOperator)(input, p, training),
);

/** {@link alphaDropout} of whole channels. */
export const featureAlphaDropout = define("featureAlphaDropout", false, (input, p, training, inplace) =>
  (inplace ? featureAlphaDropout_ : featureAlphaDropoutOperator)(input, p, training),
);
