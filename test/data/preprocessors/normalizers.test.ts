import { tensor, type Tensor } from "../../../lib/torch";
import {
  ComposePreProcess,
  MeanStdNormalization,
  PositionNormalizer,
  PreProcessor,
  ShiftAndScaleNormalizer,
  toTensor,
} from "../../../lib/data";
import { ConfigError } from "../../../lib/config/errors";
import { NotImplementedError, ValueError } from "../../../lib/config/python-errors";
import { values } from "../support";

const close = (x: Tensor, expected: number[], digits = 6) =>
  (x.flatten().toArray() as number[]).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, digits));

class Affine extends PreProcessor {
  constructor(
    readonly factor: Tensor,
    readonly offset: Tensor,
  ) {
    super("x");
  }
  override apply(x: Tensor): Tensor {
    return x.mul(this.factor).add(this.offset);
  }
  override denormalize(x: Tensor): Tensor {
    return x.sub(this.offset).div(this.factor);
  }
}

describe("PreProcessor", () => {
  test.each([[123], [null], [[]], [{}]])("key %j is refused", (key) => {
    expect(() => new (class extends PreProcessor {})(key as never)).toThrow(TypeError);
  });
  test("the base class does nothing", () => {
    const base = new (class extends PreProcessor {})("x");
    expect(() => base.apply(tensor([1]))).toThrow(NotImplementedError);
    expect(() => base.denormalize(tensor([1]))).toThrow(NotImplementedError);
  });
});

describe("ComposePreProcess", () => {
  test("in order, and backwards", () => {
    const steps = [
      new Affine(tensor(1), tensor(5)),
      new Affine(tensor(2), tensor(0)),
      new Affine(tensor(1), tensor(-1)),
    ];
    const compose = new ComposePreProcess("x", steps);
    expect(compose.length).toBe(3);
    expect(compose.apply(tensor(10)).item()).toBe(29);
    expect(compose.inverse(tensor(29)).item()).toBe(10);
  });
  test("tensors, exactly there and back", () => {
    const none = tensor([0, 0]);
    const compose = new ComposePreProcess("x", [
      new Affine(tensor([1, 1]), tensor([1, 2])),
      new Affine(tensor([3, 0.5]), none),
    ]);
    expect(values(compose.apply(tensor([10, 20])))).toEqual([33, 11]);
    expect(values(compose.inverse(tensor([33, 11])))).toEqual([10, 20]);
  });
  test("a step that cannot be inverted", () => {
    class OneWay extends PreProcessor {
      override apply(x: Tensor): Tensor {
        return x.abs();
      }
    }
    const compose = new ComposePreProcess("x", [new OneWay("x")]);
    expect(values(compose.apply(tensor([-1])))).toEqual([1]);
    expect(() => compose.inverse(tensor([1]))).toThrow(NotImplementedError);
  });
  test("an empty list", () => {
    expect(() => new ComposePreProcess("x", [])).toThrow(ValueError);
  });
  test("something that is no preprocessor", () => {
    expect(() => new ComposePreProcess("x", ["step"] as never)).toThrow(TypeError);
  });
});

describe("MeanStdNormalization", () => {
  test("there and back", () => {
    const normalizer = new MeanStdNormalization({ mean: 10, std: 2 }, "x");
    close(normalizer.apply(tensor([12, 14])), [1, 2]);
    close(normalizer.denormalize(tensor([1, 2])), [12, 14]);
  });
  test("per channel, with leading dimensions", () => {
    const normalizer = new MeanStdNormalization({ mean: [10, 20], std: [2, 4] }, "x");
    const y = normalizer.apply(tensor([[12, 24], [8, 28]])); // prettier-ignore
    close(y, [1, 1, -1, 2]);
    expect(y.shape).toEqual([2, 2]);
    close(normalizer.denormalize(y), [12, 24, 8, 28]);
  });
  test("three dimensions", () => {
    const normalizer = new MeanStdNormalization({ mean: [10, 20], std: [2, 4] }, "x");
    const x = tensor([12, 28]).expand([10, 10, 2]);
    const y = normalizer.apply(x);
    expect(y.shape).toEqual([10, 10, 2]);
    close(
      y,
      Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 1 : 2)),
    );
    close(
      normalizer.denormalize(y),
      Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 12 : 28)),
      5,
    );
  });
  // PyTorch: scale = 1 / clamp(std, min=1e-6); (x + -mean) * scale; y * (1 / scale) - -mean, in float32
  const x = () => tensor([[-7.3, 0.004], [1234.5, -1e-3]]); // prettier-ignore
  const statistics = { mean: [0.1, -2.7], std: [3.3, 1e-7] };
  test("PyTorch's roundings", () => {
    const normalizer = new MeanStdNormalization(statistics, "x");
    const y = normalizer.apply(x());
    expect(y.flatten().toArray()).toEqual([-2.242424249649048, 2704000.0, 374.0606384277344, 2699000.0]);
    expect(normalizer.denormalize(y).flatten().toArray()).toEqual([
      -7.300000190734863, 0.003999948501586914, 1234.5001220703125, -0.0010001659393310547,
    ]);
  });
  test("PyTorch's numbers on the log scale", () => {
    const normalizer = new MeanStdNormalization({ ...statistics, logscale: true }, "x");
    const y = normalizer.apply(x());
    const expected = [-0.6715925931930542, 2703992.25, 2.127039909362793, 2699000.5];
    (y.flatten().toArray() as number[]).forEach((value, i) => expect(value / expected[i]!).toBeCloseTo(1, 6));
    const back = [-7.3, 0.004, 1234.5, -0.001];
    (normalizer.denormalize(y).flatten().toArray() as number[]).forEach((value, i) =>
      expect(Math.abs(value - back[i]!)).toBeLessThan(1e-6 + 1e-6 * Math.abs(back[i]!)),
    );
  });
  test("log scale", () => {
    const normalizer = new MeanStdNormalization({ mean: 0, std: 1, logscale: true }, "x");
    close(normalizer.apply(tensor([3, -3])), [Math.log(4), -Math.log(4)]);
    close(normalizer.denormalize(normalizer.apply(tensor([3, -7]))), [3, -7], 5);
  });
  test.each([
    [[1, 2], [1]],
    [[1], [0]],
    [[1], [-4]],
    [[1], [-1e-5]],
  ])("mean %j and std %j are refused", (mean, std) => {
    expect(() => new MeanStdNormalization({ mean, std }, "x")).toThrow(ValueError);
  });
});

describe("PositionNormalizer", () => {
  test("shift and scale", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [-10, -20], raw_pos_max: [10, 20], scale: 100 }, "x");
    expect(values(normalizer.shift)).toEqual([10, 20]);
    expect(values(normalizer.scale)).toEqual([5, 2.5]);
  });
  test.each([
    [{ raw_pos_min: [-10], raw_pos_max: [10], scale: 1000 }, [10], [50]],
    [{ raw_pos_min: [0, 0, 0], raw_pos_max: [1, 2, 4], scale: 1 }, [-0, -0, -0], [1, 0.5, 0.25]],
  ])("%j", (config, shift, scale) => {
    const normalizer = new PositionNormalizer(config, "x");
    expect([values(normalizer.shift), values(normalizer.scale)]).toEqual([shift, scale]);
  });
  // PyTorch: scale = tensor(1000.) / (max - min); (x + -min) * scale; y * (1 / scale) - -min, in float32
  test("PyTorch's roundings", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [-4.5], raw_pos_max: [6] }, "x");
    const y = normalizer.apply(tensor([[1.234, -4.5], [6, 0.1]])); // prettier-ignore
    expect(y.flatten().toArray()).toEqual([546.09527, 0, 1000, 438.09525].map(Math.fround));
    expect(normalizer.denormalize(y).flatten().toArray()).toEqual([1.2340002059936523, -4.5, 6, 0.09999990463256836]);
  });
  test("the way back has no bounds: a prediction may lie outside", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [0], raw_pos_max: [1] }, "x");
    close(normalizer.denormalize(tensor([-500, 2000])), [-0.5, 2]);
  });
  test("there and back, scale 1000 by default", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [-10], raw_pos_max: [10] }, "x");
    expect(normalizer.resizingScale).toBe(1000);
    expect(values(normalizer.apply(tensor([[-10], [0], [10]])))).toEqual([[0], [500], [1000]]);
    close(normalizer.denormalize(tensor([[0], [500], [1000]])), [-10, 0, 10]);
  });
  test.each([
    { raw_pos_min: [0, 0], raw_pos_max: [1] },
    { raw_pos_min: [0, 2], raw_pos_max: [1, 1] },
    { raw_pos_min: [0, 1], raw_pos_max: [1, 1] },
    { raw_pos_min: [2], raw_pos_max: [1] },
    { raw_pos_min: [0], raw_pos_max: [1], scale: 0 },
    { raw_pos_min: [0], raw_pos_max: [1], scale: -100 },
    { raw_pos_min: 0, raw_pos_max: [1] },
    { raw_pos_min: [0], raw_pos_max: 1 },
    { raw_pos_min: null, raw_pos_max: [1] },
    { raw_pos_min: [0], raw_pos_max: null },
    { raw_pos_min: [0], raw_pos_max: [1], scale: null },
  ])("%j is refused", (config) => {
    expect(() => new PositionNormalizer(config as never, "x")).toThrow(ConfigError);
  });
  test("a point outside of the box", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [0], raw_pos_max: [1] }, "x");
    expect(() => normalizer.apply(tensor([1.1]))).toThrow(ValueError);
    expect(() => normalizer.apply(tensor([-0.1]))).toThrow(ValueError);
  });
  test("NaN passes, a point outside beside it does not", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [0], raw_pos_max: [1] }, "x");
    expect(values(normalizer.apply(tensor([0.5, NaN])))).toEqual([500, NaN]);
    expect(values(normalizer.apply(tensor([NaN])))).toEqual([NaN]);
    expect(() => normalizer.apply(tensor([NaN, 1.1]))).toThrow(ValueError);
  });
  test("the corner of the box itself never is", () => {
    for (let i = 1; i < 200; i++) {
      const [min, max] = [-7.3 * Math.sin(i) ** 2, 3.1 * Math.cos(i) ** 2 + 0.1];
      new PositionNormalizer({ raw_pos_min: [min], raw_pos_max: [max] }, "x").apply(tensor([min, max]));
    }
  });
});

describe("ShiftAndScaleNormalizer", () => {
  test("the shift is added, then the scale multiplied", () => {
    const normalizer = new ShiftAndScaleNormalizer({ shift: [1, 2], scale: [3, 0.5] }, "x");
    expect(values(normalizer.apply(tensor([10, 20])))).toEqual([33, 11]);
    close(normalizer.denormalize(tensor([33, 11])), [10, 20], 5);
  });
  test.each([
    { shift: null, scale: [1] },
    { shift: [1], scale: null },
    { shift: [1, 2], scale: [1] },
    { shift: [1], scale: [0] },
    { shift: [1], scale: [1], logscale: "maybe" },
  ])("%j is refused", (config) => {
    expect(() => new ShiftAndScaleNormalizer(config as never, "x")).toThrow(ConfigError);
  });
  test.each([true, false])("what is given is kept, tensors too; log scale %j", (logscale) => {
    const [shift, scale] = [tensor([1, -2.5]), tensor([3, 0.5])];
    const normalizer = new ShiftAndScaleNormalizer({ shift, scale, logscale }, "x");
    expect([values(normalizer.shift), values(normalizer.scale)]).toEqual([[1, -2.5], [3, 0.5]]); // prettier-ignore
    expect(normalizer.logscale).toBe(logscale);
  });
  test("only tensors", () => {
    expect(() => new ShiftAndScaleNormalizer({ shift: 0, scale: 1 }, "x").apply([1] as never)).toThrow(TypeError);
  });
});

test.each<[string, () => unknown]>([
  ["mean", () => new MeanStdNormalization({ mean: [0, NaN], std: [1, 1] }, "x")],
  ["std", () => new MeanStdNormalization({ mean: 0, std: Infinity }, "x")],
  ["corner", () => new PositionNormalizer({ raw_pos_min: [-Infinity], raw_pos_max: [0] }, "x")],
  ["shift", () => new ShiftAndScaleNormalizer({ shift: [NaN], scale: [1] }, "x")],
  ["scale", () => new ShiftAndScaleNormalizer({ shift: [0], scale: [Infinity] }, "x")],
])("a %s that is not finite is refused", (_, make) => expect(make).toThrow("expected finite numbers"));

describe("toTensor", () => {
  test("a tensor stays the same object", () => {
    const x = tensor([1]);
    expect(toTensor(x)).toBe(x);
  });
  test.each([
    [5, []],
    [[1.5], [1]],
    [[[1, 2], [3, 4]], [2, 2]], // prettier-ignore
  ])("%j", (value, shape) => {
    expect(toTensor(value).shape).toEqual(shape);
    expect(toTensor(value).toArray()).toEqual(value);
  });
  test("whole numbers become float32", () => {
    expect(
      toTensor([
        [1, 2],
        [3, 4],
      ]).dtype,
    ).toBe("float32");
  });
  test.each([[null], ["1"], [{}]])("%j is refused", (value) => {
    expect(() => toTensor(value)).toThrow(TypeError);
  });
  test("ragged lists", () => {
    expect(() => toTensor([[1], [1, 2]])).toThrow(ValueError);
  });
});
