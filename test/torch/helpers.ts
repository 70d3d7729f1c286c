/** Comparisons of numbers for the tests of the torch layer. */
import type { Tensor } from "../../lib/torch";

/** Euclidean norm of all entries. */
export const norm = (tensor: Tensor): number => Number(tensor.detach().double().norm().item());

/** Norm of the difference, relative to that of what was expected. */
export const relative = (actual: Tensor, expected: Tensor): number =>
  norm(actual.detach().double().sub(expected.detach())) / norm(expected);

/** Fails unless the values agree relative to the largest expected one. */
export function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length);
  const finite = expected.filter(Number.isFinite).map(Math.abs);
  const scale = Math.max(1e-30, ...finite, 1e-6);
  actual.forEach((value, index) => {
    const wanted = expected[index]!;
    if (!Number.isFinite(wanted)) expect(value).toBe(wanted);
    else if (!(Math.abs(value - wanted) <= tolerance * scale))
      throw new Error(`entry ${index}: expected ${wanted}, got ${value} (largest entry ${scale})`);
  });
}
