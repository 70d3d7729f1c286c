import { poolSegments } from "../../../lib/modeling/functional/pool-segments";
import { autograd, func, manualSeed, randn, tensor, type Tensor } from "../../../lib/torch";

/** Three segments of four rows; the second has none that counts, and what does not count is no number. */
const COUNTS = [
  [true, false, true, true],
  [false, false, false, false],
  [true, true, true, true],
];

function problem(): { values: Tensor; valid: Tensor } {
  manualSeed(1);
  const valid = tensor(COUNTS);
  const values = randn([12, 5], { dtype: "float64" }).where(valid.reshape([12, 1]), NaN);
  return { values: values.detach().requiresGrad_(), valid };
}

/** The definition, in JavaScript. */
function expected(rows: number[][], counts: boolean[][], mean: boolean): number[][] {
  return counts.map((segment, s) => {
    const chosen = segment.flatMap((counts_, k) => (counts_ ? [rows[s * segment.length + k]!] : []));
    const divisor = mean ? Math.max(1, chosen.length) : 1;
    return rows[0]!.map((_, d) => chosen.reduce((sum, row) => sum + row[d]!, 0) / divisor);
  });
}

function expectClose(got: unknown, wanted: number[][]): void {
  for (const [i, row] of (got as number[][]).entries())
    for (const [j, value] of row.entries()) expect(value).toBeCloseTo(wanted[i]![j]!, 12);
}

test.each([true, false])("rows that count are pooled, mean: %s", (mean) => {
  const { values, valid } = problem();
  const pooled = poolSegments(values, 4, { valid, mean });
  expectClose(pooled.toArray(), expected(values.toArray() as number[][], COUNTS, mean));
});

test("without valid all rows count", () => {
  const values = randn([6, 2], { dtype: "float64" });
  const all = [Array<boolean>(3).fill(true), Array<boolean>(3).fill(true)];
  expectClose(poolSegments(values, 3, { mean: true }).toArray(), expected(values.toArray() as number[][], all, true));
});

test("rows that do not count get the gradient 0, the others their share", () => {
  const { values, valid } = problem();
  poolSegments(values, 4, { valid, mean: true }).sum().backward();
  const shares = COUNTS.flatMap((segment) => {
    const degree = Math.max(1, segment.filter(Boolean).length);
    return segment.map((counts) => Array<number>(5).fill(counts ? 1 / degree : 0));
  });
  expectClose(values.grad!.toArray(), shares);
});

test("there are second derivatives", () => {
  const { values, valid } = problem();
  const [first] = autograd.grad(poolSegments(values, 4, { valid }).square().sum(), [values], { createGraph: true });
  const [second] = autograd.grad(first!.sum(), [values]);
  // d/dx Σ_i 2 Σ_j x_j over the rows of a segment: twice their number
  const rows = COUNTS.flatMap((segment) => {
    const degree = segment.filter(Boolean).length;
    return segment.map((counts) => Array<number>(5).fill(counts ? 2 * degree : 0));
  });
  expectClose(second!.toArray(), rows);
});

test("vmap goes over a batch of values", () => {
  const batch = randn([3, 6, 2], { dtype: "float64" });
  const pooled = func.vmap((values: Tensor) => poolSegments(values, 3, { mean: true }))(batch) as Tensor;
  for (const [i, one] of batch.unbind(0).entries())
    expect(pooled.index(i).toArray()).toEqual(poolSegments(one, 3, { mean: true }).toArray());
});

test.each([
  [[7, 2], 3, undefined, /7 rows are no segments of 3/],
  [[6, 2], 2, COUNTS, /valid must be bool of shape \(S, 2\)/],
  [[6, 2], 4, COUNTS, /expected 12 rows of values, one for each place, got 6/],
  [[6], 2, undefined, /values must be floating point of shape \(S K, D\)/],
] as const)("values of shape %j with %d places are refused", (shape, places, counts, message) => {
  const valid = counts && tensor(counts as unknown as boolean[][]);
  expect(() => poolSegments(randn([...shape]), places, valid ? { valid } : {})).toThrow(message);
});
