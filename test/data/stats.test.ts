import { manualSeed, randn, tensor, type Tensor } from "../../lib/torch";
import { RunningMoments } from "../../lib/data";
import { ValueError } from "../../lib/config/python-errors";

const list = (x: Tensor) => x.toArray() as number[];
const closeTo = (actual: number[], expected: number[]) =>
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 9));

describe("RunningMoments", () => {
  test.each([
    [[100], 1, undefined],
    [[100, 3], 1, [0]],
    [[100, 3, 4], 1, [0, 2]],
    [[100, 3, 4], 2, [0, 1]],
  ])("of shape %j along dim %i", (shape, dim, reduced) => {
    manualSeed(1);
    const x = randn(shape).to("float64");
    const moments = new RunningMoments();
    for (const part of x.chunk(4)) moments.pushTensor(part, { dim });
    const mean = reduced ? list(x.mean(reduced)) : [x.mean().item()];
    const variance = reduced ? list(x.var(reduced)) : [x.var().item()];
    closeTo(moments.mean, mean);
    closeTo(moments.var, variance);
    expect(moments.count).toBe(x.numel() / mean.length);
  });
  test("minimum and maximum", () => {
    const moments = new RunningMoments();
    moments.pushTensor(
      tensor([
        [1, 5],
        [2, -3],
      ]),
    );
    moments.pushTensor(tensor([[0, 1]]));
    expect(moments.min).toEqual([0, -3]);
    expect(moments.max).toEqual([2, 5]);
  });
  test("log scale", () => {
    const moments = new RunningMoments(true);
    moments.pushTensor(tensor([3, -3]));
    closeTo(moments.max, [Math.log(4)]);
    closeTo(moments.mean, [0]);
  });
  test("numbers", () => {
    const moments = new RunningMoments();
    for (const x of [1, 2, 3]) moments.pushScalar(x);
    expect(moments.dump()).toEqual({ mean: [2], std: [1], var: [1], min: [1], max: [3], count: 3 });
  });
  test("too little data", () => {
    const moments = new RunningMoments();
    expect(moments.isEmpty).toBe(true);
    expect(() => moments.mean).toThrow(ValueError);
    moments.pushScalar(1);
    expect(() => moments.var).toThrow(ValueError);
  });
  test("wrong input", () => {
    const moments = new RunningMoments();
    expect(() => moments.pushTensor([1] as never)).toThrow(TypeError);
    expect(() => moments.pushTensor(tensor(1))).toThrow(ValueError);
    moments.pushTensor(tensor([[1, 2]]));
    expect(() => moments.pushTensor(tensor([[1]]))).toThrow(ValueError);
  });
});
