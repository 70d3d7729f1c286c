import { lineChart, ticks } from "../../../lib/core/report";

const options = { title: "a <b>", xLabel: "x" };
const points = (svg: string) => /points="([^"]*)"/.exec(svg)?.[1]?.split(" ");

test("ticks are round numbers within the range", () => {
  expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(0.31, 0.72, 4).map((tick) => Number(tick.toFixed(6)))).toEqual([0.4, 0.6]);
});

test("texts are escaped", () => {
  const svg = lineChart(
    [
      { label: "<script>", x: [0, 1], y: [0, 1] },
      { label: "b", x: [0, 1], y: [1, 2] },
    ],
    options,
  );
  expect(svg).not.toMatch(/<b>|<script>/);
});

test("low is below high; inverted it is the other way round", () => {
  const line = [{ label: "l", x: [0, 1], y: [0, 1] }];
  const heights = (svg: string) => points(svg)!.map((point) => Number(point.split(",")[1]));
  const [first, last] = heights(lineChart(line, options));
  expect(first).toBeGreaterThan(last!);
  const [a, b] = heights(lineChart(line, { ...options, isInverted: true }));
  expect(a).toBeLessThan(b!);
});

test("values that cannot be drawn are left out, and a chart without any has no numbers that are not finite", () => {
  const svg = lineChart([{ label: "l", x: [0, 1, 2, 3], y: [1, NaN, null, 2] }], options);
  expect(points(svg)).toHaveLength(2);
  const log = lineChart([{ label: "l", x: [0, 1, 2], y: [-1, 10, 100] }], { ...options, isLog: true });
  expect(points(log)).toHaveLength(2);
  for (const each of [svg, log, lineChart([], options), lineChart([{ label: "l", x: [5], y: [5] }], options)])
    expect(each).not.toMatch(/NaN|Infinity/);
});
