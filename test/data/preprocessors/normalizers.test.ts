import { tensor, type Tensor } from "../../../lib/torch";
import {
  ComposePreProcess,
  MeanStdNormalization,
  PositionNormalizer,
  PreProcessor,
  ShiftAndScaleNormalizer,
  toTensor,
} from "../../../lib/data";
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
    close(
      normalizer.apply(
        tensor([
          [12, 24],
          [8, 28],
        ]),
      ),
      [1, 1, -1, 2],
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
  test("there and back, scale 1000 by default", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [-10], raw_pos_max: [10] }, "x");
    expect(values(normalizer.apply(tensor([[-10], [0], [10]])))).toEqual([[0], [500], [1000]]);
    close(normalizer.denormalize(tensor([[0], [500], [1000]])), [-10, 0, 10]);
  });
  test.each([
    { raw_pos_min: [0, 0], raw_pos_max: [1] },
    { raw_pos_min: [0, 2], raw_pos_max: [1, 1] },
    { raw_pos_min: [0], raw_pos_max: [1], scale: 0 },
    { raw_pos_min: [0], raw_pos_max: [1], scale: -100 },
    { raw_pos_min: 0, raw_pos_max: [1] },
    { raw_pos_min: null, raw_pos_max: [1] },
  ])("%j is refused", (config) => {
    expect(() => new PositionNormalizer(config, "x")).toThrow();
  });
  test("a point outside of the box", () => {
    const normalizer = new PositionNormalizer({ raw_pos_min: [0], raw_pos_max: [1] }, "x");
    expect(() => normalizer.apply(tensor([1.1]))).toThrow(ValueError);
    expect(() => normalizer.apply(tensor([-0.1]))).toThrow(ValueError);
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
    expect(() => new ShiftAndScaleNormalizer(config as never, "x")).toThrow();
  });
  test("only tensors", () => {
    expect(() => new ShiftAndScaleNormalizer({ shift: 0, scale: 1 }, "x").apply([1] as never)).toThrow(TypeError);
  });
});

describe("toTensor", () => {
  test("a tensor stays the same object", () => {
    const x = tensor([1]);
    expect(toTensor(x)).toBe(x);
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
