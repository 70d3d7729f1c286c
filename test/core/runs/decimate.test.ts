import { align, smooth } from "../../../lib/core/runs";

const series = (pairs: readonly (readonly [number, number])[]) => ({
  x: Float64Array.from(pairs, ([x]) => x),
  y: Float64Array.from(pairs, ([, y]) => y),
});

test("few values stay as they are, on a common axis, with null where a series has none", () => {
  const a = series([
    [1, 10],
    [3, 30],
  ]);
  const b = series([
    [2, 20],
    [3, NaN],
  ]);
  expect(align([a, b], 100)).toEqual({
    x: [1, 2, 3],
    y: [
      [10, null, 30],
      [null, 20, null],
    ],
  });
});

test("of many values every peak stays, whichever way it points, in its place", () => {
  const long = series(
    Array.from({ length: 100_000 }, (_, i) => [i, i === 31_234 ? 9 : i === 77_777 ? -9 : Math.sin(i / 1e4)]),
  );
  const { x, y } = align([long], 400);
  expect(x).toHaveLength(400);
  const row = y[0]!;
  const cell = (x.at(-1)! - x[0]!) / 199.5;
  expect(Math.abs(x[row.indexOf(9)]! - 31_234)).toBeLessThan(cell);
  expect(Math.abs(x[row.indexOf(-9)]! - 77_777)).toBeLessThan(cell);
});

test("extremes of a cell keep their order", () => {
  const rising = series(Array.from({ length: 64 }, (_, i) => [i, i]));
  const row = align([rising], 16).y[0]!;
  expect(row).toEqual([...row].sort((a, b) => a! - b!));
  expect([row[0], row.at(-1)]).toEqual([0, 63]);
});

test("of a part there is one value beyond on both sides", () => {
  const all = series(Array.from({ length: 10 }, (_, i) => [i, i]));
  expect(align([all], 100, { from: 2.5, to: 5.5 }).x).toEqual([2, 3, 4, 5, 6]);
  expect(align([series([])], 100, { from: 0, to: 1 })).toEqual({ x: [], y: [[]] });
});

test("the moving average of a constant is that constant from the first value on, and skips what is not finite", () => {
  const { y } = smooth(
    series([
      [0, 2],
      [1, NaN],
      [2, 2],
    ]),
    0.9,
  );
  expect(y[0]).toBeCloseTo(2, 12);
  expect(y[1]).toBeNaN();
  expect(y[2]).toBeCloseTo(2, 12);
  // (0.5·0.5·1 + 0.5·3) / (0.5·0.5 + 0.5)
  expect(
    smooth(
      series([
        [0, 1],
        [1, 3],
      ]),
      0.5,
    ).y[1],
  ).toBeCloseTo(1.75 / 0.75, 12);
});
