import { COMPARED, drawComparison, magnitudes, Mesh } from "../../../lib/data";

const mesh = new Mesh({ points: Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0) });
/** The compressed pixels of a PNG file. */
function pixels(png: Buffer): string {
  const at = png.indexOf("IDAT");
  return png.subarray(at, at + 4 + png.readUInt32BE(at - 4)).toString("base64");
}
const draw = (predicted: number[], truth: number[]) =>
  drawComparison(
    { name: "p", mesh, location: "points", predicted: Float32Array.from(predicted), truth: Float32Array.from(truth) },
    { width: 200, height: 160 },
  );

test("prediction and truth share their colours", () => {
  const same = draw([1, 2, 3, 4], [1, 2, 3, 4]);
  expect(Object.keys(same)).toEqual([...COMPARED]);
  expect(pixels(same.predicted)).toBe(pixels(same.true));
  // twice as large everywhere: with colours of its own it would look the same
  const doubled = draw([2, 4, 6, 8], [1, 2, 3, 4]);
  expect(pixels(doubled.predicted)).not.toBe(pixels(doubled.true));
  expect(pixels(doubled.true)).toBe(pixels(same.true));
});

test("the difference is prediction − truth", () => {
  const first = draw([2, 4, 6, 8], [1, 2, 3, 4]);
  expect(pixels(first.difference)).toBe(pixels(draw([11, 12, 13, 14], [10, 10, 10, 10]).difference));
});

test("lengths of vectors", () => {
  expect([...magnitudes([3, 4, 0, -2], 2)]).toEqual([5, 2]);
  expect([...magnitudes([-3], 1)]).toEqual([-3]);
});
