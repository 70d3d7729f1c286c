/**
 * Tensors in tests: `assertClose` for any framework, and matchers for Jest and Vitest.
 *
 * Importing this module adds the matchers to a global `expect`. Where there is none, `expect.extend(tensorMatchers)` does. Plain
 * `toEqual` compares tensors by value without this module.
 *
 * @example
 * import "noether-ts/testing";
 * expect(model.forward(x)).toBeCloseToTensor([[1, 2]], { rtol: 1e-4, atol: 1e-6 });
 */
import { tensorMatchers, type TensorMatchers } from "./matchers";

export { gradcheck, gradgradcheck, type GradcheckOptions, type GradgradcheckOptions } from "../torch/autograd";
export { assertClose, defaultTolerances, type CloseOptions } from "./assert-close";
export { tensorMatchers, type MatcherResult, type TensorMatchers } from "./matchers";

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how @types/jest takes matchers
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars -- both parameters as @types/jest has them
    interface Matchers<R, T = {}> extends TensorMatchers<R> {}
  }
}

const { expect } = globalThis as { expect?: { extend?: (matchers: object) => void } };
expect?.extend?.(tensorMatchers);
