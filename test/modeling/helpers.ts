/** Closed-form weights and inputs of the specification's numeric vectors, and comparisons. */
import { oldKeys } from "../../lib/core/release-1.1";
import { noGrad, tensor } from "../../lib/torch";
import type { nn, Tensor } from "../../lib/torch";

/**
 * The t-th parameter's entry i becomes `0.2 sin(0.37 i + 1.7 t + 0.5)`; norms get 1 added, temperatures 0.5. Parameters are those of
 * release 1.1, which has one for queries, keys and values.
 *
 * @returns the number of parameters
 */
export function fillParameters(module: nn.Module): number {
  const parameters = new Map([...module.stateDict({ keepVars: true })].filter(([, value]) => value.requiresGrad));
  const inRelease11 = oldKeys([...parameters.keys()]);
  noGrad(() => {
    inRelease11.forEach(({ key, parts }, t) => {
      const offset = /(^|\.)norm\w*\.weight$/.test(key) ? 1 : key.endsWith("temperature") ? 0.5 : 0;
      let start = 0;
      for (const parameter of parts.map((part) => parameters.get(part)!)) {
        const first = start;
        const values = Float32Array.from(
          { length: parameter.numel() },
          (_, i) => 0.2 * Math.sin(0.37 * (first + i) + 1.7 * t + 0.5) + offset,
        );
        parameter.copy_(tensor(values).reshape(parameter.shape));
        start += values.length;
      }
    });
  });
  return inRelease11.length;
}

/** `sin(0.9 i + s)` over the flat index. */
export function inp(s: number, shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(0.9 * i + s))).reshape(shape);
}

/** int64 tensor. */
export function ints(values: readonly number[]): Tensor {
  return tensor(BigInt64Array.from(values.map(BigInt)));
}

/** All entries, flat. */
export function entries(x: Tensor): number[] {
  return x.detach().flatten().toArray() as number[];
}

/** Fails unless flat entries agree within an absolute tolerance. */
export function expectEntries(x: Tensor | readonly number[], expected: readonly number[], tolerance = 2e-6): void {
  const actual = Array.isArray(x) ? (x as number[]) : entries(x as Tensor);
  expect(actual).toHaveLength(expected.length);
  const worst = Math.max(0, ...actual.map((value, i) => Math.abs(value - expected[i]!)));
  if (!(worst <= tolerance))
    throw new Error(`entries differ by ${worst}\nexpected ${expected.join(", ")}\ngot      ${actual.join(", ")}`);
}

/** Fails unless the sum of all entries is as expected. */
export function expectSum(x: Tensor, expected: number, tolerance = 2e-5): void {
  expect(Math.abs(Number(x.detach().double().sum().item()) - expected)).toBeLessThanOrEqual(tolerance);
}
