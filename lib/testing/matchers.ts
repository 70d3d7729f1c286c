/** Matchers for Jest and Vitest. */
import { show } from "../torch/arguments";
import { asTensor, type TensorLike } from "../torch/creation";
import { tensorsAreEqual, valueText } from "../torch/equality";
import { scope } from "../torch/scope";
import { Tensor } from "../torch/tensor";
import { compareClose, type CloseOptions } from "./assert-close";

/** What a matcher hands to the framework. */
export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** The matchers as `expect(…)` has them. */
export interface TensorMatchers<R = unknown> {
  /** The same dtype, shape, device and elements (NaN equals NaN, -0 equals 0). Numbers and arrays take the tensor's dtype. */
  toEqualTensor(expected: Tensor | TensorLike): R;
  /** Close elements, by `assertClose` and its default tolerances. Numbers and arrays take the tensor's dtype. */
  toBeCloseToTensor(expected: Tensor | TensorLike, options?: CloseOptions): R;
}

/** For `expect.extend(tensorMatchers)`; importing `noether-ts/testing` does it where `expect` is global. */
export const tensorMatchers = {
  toEqualTensor(actual: unknown, expected: unknown): MatcherResult {
    return scope(() => {
      const tensor = requireTensor("toEqualTensor", actual);
      const wanted = expected instanceof Tensor ? expected : fitted(expected as TensorLike, tensor);
      const pass = tensorsAreEqual(tensor, wanted);
      const [left, right] = [described(wanted), described(tensor)];
      return {
        pass,
        message: () => `expected ${pass ? "another tensor than" : "the tensor"} ${left}\n     got ${right}`,
      };
    });
  },

  toBeCloseToTensor(actual: unknown, expected: unknown, options?: CloseOptions): MatcherResult {
    const { pass, message } = compareClose("toBeCloseToTensor", actual, expected, options);
    return { pass, message: () => message };
  },
};

function requireTensor(where: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value;
  throw new TypeError(`${where}: expected a tensor to compare, got ${show(value)}`);
}

/** Values as a tensor of the same dtype on the same device. */
function fitted(values: TensorLike, like: Tensor): Tensor {
  return like.isDisposed ? asTensor(values) : asTensor(values, { dtype: like.dtype, device: like.device });
}

function described(tensor: Tensor): string {
  if (tensor.isDisposed) return String(tensor);
  return `${valueText(tensor)} (${tensor.dtype}, shape [${tensor.shape.join(", ")}], ${tensor.device})`;
}
