import { manualSeed, randn, tensor, type Tensor } from "../../../lib/torch";
import { RunningMoments } from "../../../lib/data";
import { ValueError } from "../../../lib/config/python-errors";

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

  // numpy: i = arange(1000.); x = (sin(i) * 10.0**(i % 5)).astype("f4").reshape(-1, 2); x.astype("f8").mean(0), .var(0, ddof=1)
  const wide = () => tensor(Array.from({ length: 500 }, (_, row) => [0, 1].map((c) => Math.sin(2 * row + c) * 10 ** ((2 * row + c) % 5)))); // prettier-ignore
  test.each<[string, number[]]>([
    ["at once", [500]],
    ["in parts of different sizes, empty ones too", [1, 0, 249, 250]],
    ["one by one", Array<number>(500).fill(1)],
  ])("NumPy's numbers, %s", (_, sizes) => {
    const moments = new RunningMoments();
    for (const part of wide().splitWithSizes(sizes)) moments.pushTensor(part);
    closeTo(moments.mean, [5.167023462099038, 10.41950201266398]);
    moments.var.forEach((value, c) => expect(value / [10201272.061763985, 9982580.567075811][c]!).toBeCloseTo(1, 12));
    expect([moments.min, moments.max]).toEqual([
      [-9999.9033203125, -9992.068359375],
      [9992.056640625, 9999.904296875],
    ]);
    expect(moments.count).toBe(500);
  });
  test("NumPy's numbers on the log scale", () => {
    const moments = new RunningMoments(true);
    for (const part of wide().chunk(7)) moments.pushTensor(part);
    closeTo(moments.mean, [0.02461801934517176, 0.03820863103371492]);
    closeTo(moments.std, [5.17099786197146, 5.161941629238197]);
  });
  test("a large mean costs no digits of the variance", () => {
    const moments = new RunningMoments();
    for (const x of [4, 7, 13, 16]) moments.pushTensor(tensor([1e9 + x], { dtype: "float64" }));
    expect(moments.var).toEqual([30]);
    expect(moments.mean).toEqual([1e9 + 10]);
  });
  test("a field larger than what is converted at once", () => {
    const n = 2 ** 21 + 3;
    const moments = new RunningMoments();
    moments.pushTensor(tensor(Float32Array.from({ length: n }, (_, i) => i)));
    expect(moments.mean).toEqual([(n - 1) / 2]);
    expect(moments.var[0]! / ((n * (n + 1)) / 12)).toBeCloseTo(1, 12);
    expect([moments.min, moments.max, moments.count]).toEqual([[0], [n - 1], n]);
  });
  test.each(["float32", "int64", "float16", "bool"] as const)("values of type %s are summed in float64", (dtype) => {
    const moments = new RunningMoments();
    moments.pushTensor(tensor([[0], [1]], { dtype: "float32" }).to(dtype));
    expect([moments.mean, moments.var]).toEqual([[0.5], [0.5]]);
  });
  test("NaN is seen in every reading", () => {
    const moments = new RunningMoments();
    for (const x of [1, NaN, 2]) moments.pushTensor(tensor([x]));
    expect([moments.mean, moments.min, moments.max]).toEqual([[NaN], [NaN], [NaN]]);
  });
  test("merged and continued moments are those of all values", () => {
    const [a, b, whole] = [new RunningMoments(), new RunningMoments(), new RunningMoments()];
    const [first, second] = wide().split(200) as [Tensor, Tensor];
    a.pushTensor(first);
    b.pushTensor(second);
    whole.pushTensor(first);
    whole.pushTensor(second);
    const stored = RunningMoments.from(a.dump());
    a.merge(b);
    expect(a.dump()).toEqual(whole.dump());
    stored.merge(b);
    stored.var.forEach((value, c) => expect(value / whole.var[c]!).toBeCloseTo(1, 12));
    expect(stored.count).toBe(whole.count);
  });
  test("an empty one merges into anything of the same scale", () => {
    const moments = new RunningMoments(true);
    moments.merge(new RunningMoments(true));
    expect(moments.isEmpty).toBe(true);
    expect(() => moments.merge(new RunningMoments())).toThrow("same scale");
  });
  test("reset forgets everything, the number of channels too", () => {
    const moments = new RunningMoments();
    moments.pushTensor(tensor([[1, 2]]));
    moments.reset();
    moments.pushTensor(tensor([[1]]));
    expect(moments.count).toBe(1);
  });
  test("as a string: the lines of the Python framework", () => {
    const [one, two] = [new RunningMoments(), new RunningMoments()];
    one.pushTensor(tensor([1, 2, 3]));
    two.pushTensor(tensor([[1234.5678, -1e-7], [1234.5678, -1e-7]])); // prettier-ignore
    expect(String(one)).toBe(
      "Mean: (2.00000e+00,)\nStd: (1.00000e+00,)\nVar: (1.00000e+00,)\nMin: 1.00000e+00\nMax: 3.00000e+00\nCount: 3",
    );
    expect(String(two)).toContain("Mean: (1.23457e+03, -1.00000e-07)\n");
    expect(String(two)).toContain("Max: (1.23457e+03, -1.00000e-07)\n");
  });
  test.each([
    [{ mean: [1], var: [1], min: [1], max: [1], count: 0 }],
    [{ mean: [1], var: [1, 2], min: [1], max: [1], count: 3 }],
  ])("%j is refused", (dump) => expect(() => RunningMoments.from(dump)).toThrow(ValueError));
});
