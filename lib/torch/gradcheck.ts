/** Checks derivatives against finite differences. */
import {
  arrayOf,
  callable,
  checkArgument,
  checkOptions,
  nonNegative,
  real,
  tensor as tensorKind,
  type KindsOf,
} from "./arguments";
import { grad } from "./autograd";
import { fromTypedArray } from "./creation";
import { scope } from "./scope";
import type { Tensor } from "./tensor";

/** Options of {@link gradcheck}. */
export interface GradcheckOptions {
  /** Step of the central differences. Default 1e-6. */
  readonly eps?: number;
  /** Largest absolute error. Default 1e-5. */
  readonly atol?: number;
  /** Largest error relative to the numeric derivative. Default 1e-3. */
  readonly rtol?: number;
}

const OPTIONS = { eps: real, atol: nonNegative, rtol: nonNegative } satisfies KindsOf<GradcheckOptions>;

/**
 * Compares the recorded derivatives of a function with central differences.
 *
 * @param body function of the inputs; its result may have any shape, each element is checked.
 * @param inputs float64 tensors; those that require gradients are varied.
 * @throws Error that names the input, the element and both derivatives when they differ.
 * @returns true.
 */
export function gradcheck(
  body: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
  ...surplus: never[]
): true {
  checkArgument("gradcheck", "body", body, callable);
  checkArgument("gradcheck", "inputs", inputs, arrayOf(tensorKind));
  checkOptions("gradcheck", options, OPTIONS, surplus);
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3 } = options;
  const varied = inputs.filter((input) => input.requiresGrad);
  const wrong = varied.find((input) => input.dtype !== "float64");
  if (varied.length === 0 || wrong) {
    throw new TypeError(
      `gradcheck: expected float64 inputs that require gradients, got ${wrong ? wrong.dtype : "none that does"}`,
    );
  }
  return scope(() => {
    const flatOutput = (...values: Tensor[]): Float64Array =>
      body(...values)
        .detach()
        .to("float64")
        .contiguous()
        .dataSync() as Float64Array;
    const analytic = jacobians(body, inputs, varied);
    inputs.forEach((input, position) => {
      const which = varied.indexOf(input);
      if (which < 0) return;
      const values = input.dataSync() as Float64Array;
      values.forEach((value, element) => {
        const at = (shifted: number): Float64Array =>
          scope(() => {
            const moved = Float64Array.from(values);
            moved[element] = shifted;
            return flatOutput(
              ...inputs.map((other, index) =>
                index === position ? fromTypedArray(moved, input.shape, { requiresGrad: true }) : other,
              ),
            );
          });
        const [above, below] = [at(value + eps), at(value - eps)];
        above.forEach((high, output) => {
          const numeric = (high - below[output]!) / (2 * eps);
          const recorded = analytic[which]![output]![element]!;
          if (!(Math.abs(recorded - numeric) <= atol + rtol * Math.abs(numeric))) {
            throw new Error(
              `gradcheck: expected d output[${output}] / d input ${position}[${element}] = ${numeric} (finite differences), got ${recorded} (recorded)`,
            );
          }
        });
      });
    });
    return true;
  });
}

/** Per varied input and output element: the derivative by each of the input's elements. */
function jacobians(
  body: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  varied: readonly Tensor[],
): Float64Array[][] {
  const output = body(...inputs).flatten();
  const rows: Float64Array[][] = varied.map(() => []);
  for (let element = 0; element < output.numel(); element++) {
    const gradients = grad(output.select(0, element), varied, { retainGraph: true, allowUnused: true });
    gradients.forEach((gradient, index) =>
      rows[index]!.push(
        gradient === null
          ? new Float64Array(varied[index]!.numel())
          : (gradient.contiguous().dataSync() as Float64Array),
      ),
    );
  }
  return rows;
}
