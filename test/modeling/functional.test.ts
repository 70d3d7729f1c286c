import {
  addGated,
  initBiasToZero,
  initTruncNormalZeroBias,
  knn,
  modulatedNorm,
  modulateGate,
  modulateScaleShift,
  radius,
  rope,
  RopeFrequency,
} from "../../lib/modeling";
import { allclose, cat, complex, manualSeed, nn, noGrad, ones, rand, randn, tensor, zeros } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { entries, expectEntries, ints } from "./helpers";

describe("initialisation", () => {
  const layers = () => [new nn.Linear(4, 8), new nn.Conv1d(4, 8, 1), new nn.Conv2d(4, 8, 1), new nn.Conv3d(4, 8, 1)];

  it("zeroes biases", () => {
    for (const layer of layers()) {
      initBiasToZero(layer);
      expect(entries(layer.bias!)).toEqual(Array(8).fill(0));
    }
  });

  it("draws truncated normals within ±2 and zeroes biases", () => {
    for (const layer of layers()) {
      initTruncNormalZeroBias(layer, { std: 1 });
      expect(Math.max(...entries(layer.weight).map(Math.abs))).toBeLessThanOrEqual(2);
      expect(entries(layer.bias!)).toEqual(Array(8).fill(0));
    }
  });

  it("leaves other modules alone", () => {
    const norm = new nn.LayerNorm(3);
    initTruncNormalZeroBias(norm);
    expect(entries(norm.weight!)).toEqual([1, 1, 1]);
  });
});

describe("modulation", () => {
  it("scales, shifts and gates", () => {
    const [x, scale, shift] = [tensor([[1, 2]]), tensor([[0.5, 1]]), tensor([[10, 20]])];
    expect(modulateScaleShift(x, scale, shift).toArray()).toEqual([[11.5, 24]]);
    expect(modulateGate(x, scale).toArray()).toEqual([[0.5, 2]]);
  });

  it.each([
    ["one sample", [1, 5, 8]],
    ["several samples", [3, 5, 8]],
    ["no tokens", [3, 8]],
  ])("gives without gradients what it gives with them: %s", (_, shape) => {
    manualSeed(0);
    const [x, y] = [randn(shape), randn(shape)];
    const [scale, shift, gate] = [0, 1, 2].map(() => randn([shape[0]!, 8])) as [Tensor, Tensor, Tensor];
    const norms = [new nn.LayerNorm(8, { elementwiseAffine: false, eps: 1e-3 }), new nn.LayerNorm(8)];
    const all = () => [
      modulateScaleShift(x, scale, shift),
      addGated(x, y, gate),
      ...norms.map((norm) => modulatedNorm(norm, x, scale, shift)),
    ];
    const recorded = all();
    noGrad(all).forEach((value, i) => expect(allclose(value, recorded[i]!, { rtol: 1e-5, atol: 1e-5 })).toBe(true));
  });

  it.each([
    ["(B, D)", [2, 3]],
    ["(B, 1, D)", [2, 1, 3]],
  ])("takes vectors of shape %s for tokens", (_, shape) => {
    const gate = tensor([1, 2, 3, 4, 5, 6]).reshape(shape);
    expect(
      modulateGate(ones([2, 4, 3]), gate)
        .index(1, 3)
        .toArray(),
    ).toEqual([4, 5, 6]);
  });
});

describe("rope", () => {
  const seeded = (make: () => Tensor) => {
    manualSeed(0);
    return make();
  };
  const EXPECTED = [
    -0.4413, -1.5494, 0.1213, -0.4861, 0.7842, 0.7643, -0.316, -2.1152, 0.4858, -1.2099, 0.2403, 0.3996, -0.6367, 1.0681, 1.1168, -0.2473,
    -0.3951, -2.133, -0.266, 0.9381, 1.222, -1.1329, -0.3414, 1.853, 0.9385, -0.1577, -0.2522, 0.0115, 1.2438, 1.7029, 0.9463, -0.8437,
    -0.6124, -0.0495, -0.5447, 0.0877, 0.2876, 0.3511, 0.6408, 0.4412, -0.4633, 0.651, -0.2219, -0.1935, -0.5435, 2.2974, -1.4689, -1.5867,
  ]; // prettier-ignore

  it.each(["real", "complex"] as const)(
    "gives the Python framework's numbers with %s frequencies",
    (implementation) => {
      const x = seeded(() => randn([1, 2, 3, 8]));
      const freqs = new RopeFrequency({ hidden_dim: 8, input_dim: 3, implementation }).forward(
        seeded(() => rand([1, 3, 3])),
      );
      expectEntries(rope(x, freqs), EXPECTED, 1e-4);
    },
  );

  it.each(["real", "complex"] as const)("has the gradient of its formula (%s)", (implementation) => {
    const frequency = new RopeFrequency({ hidden_dim: 16, input_dim: 3, implementation });
    const table = frequency.table(rand([2, 5, 3]));
    const x = randn([2, 3, 5, 16], { requiresGrad: true });
    const weight = randn([2, 3, 5, 16]);
    rope(x, table).mul(weight).sum().backward();
    // A rotation is orthogonal: its transpose is the rotation by the opposite angle.
    const expected = rope(weight, { ...table, sin: table.sin.neg() });
    expect(allclose(x.grad!, expected, 1e-5, 1e-6)).toBe(true);
  });

  it("lets gradients through to the positions", () => {
    const positions = rand([1, 4, 3], { requiresGrad: true });
    rope(
      randn([1, 2, 4, 8]),
      new RopeFrequency({ hidden_dim: 8, input_dim: 3, implementation: "complex" }).forward(positions) as Tensor,
    )
      .square()
      .mul(randn([8]))
      .sum()
      .backward();
    expect(Number(positions.grad!.abs().sum().item())).toBeGreaterThan(0);
  });

  it("keeps the dtype and equals float32 within its precision", () => {
    const table = new RopeFrequency({ hidden_dim: 8, input_dim: 3 }).table(rand([1, 4, 3]));
    const x = randn([1, 2, 4, 8]);
    const half = rope(x.to("bfloat16"), table);
    expect(half.dtype).toBe("bfloat16");
    expect(allclose(half.float(), rope(x, table), 2e-2, 2e-2)).toBe(true);
  });

  it.each([
    ["complex frequencies of two dims", () => rope(randn([1, 1, 2, 8]), complex(ones([2, 4]), zeros([2, 4])))],
    [
      "too many channels to rotate",
      () => rope(randn([1, 1, 2, 8]), [ones([1, 2, 8]), ones([1, 2, 8]), ones([1, 2, 8])]),
    ],
    ["x of three dims", () => rope(randn([1, 2, 8]), complex(ones([1, 2, 4]), zeros([1, 2, 4])))],
  ])("refuses %s", (_, call) => {
    expect(call).toThrow("rope:");
  });
});

describe("neighbours", () => {
  const x = () =>
    tensor([[0, 0, 0], [1, 0, 0], [0, 1.1, 0], [10, 10, 10], [11, 10, 10], [20, 20, 20], [21, 20, 20], [22, 20, 20]]); // prettier-ignore
  const y = () => tensor([[0.5, 0.5, 0], [10.5, 10.5, 10.5], [21, 21, 21]]); // prettier-ignore
  const batches = () => ({ batchX: ints([0, 0, 0, 0, 0, 1, 1, 1]), batchY: ints([0, 0, 1]) });
  const EDGES = [[0, 0], [0, 1], [0, 2], [1, 3], [1, 4], [2, 5], [2, 6], [2, 7]]; // prettier-ignore
  const pairs = (edges: Tensor) => edges.t().toArray() as number[][];

  it("are found within a radius", () => {
    expect(pairs(radius(x(), y(), 2, { ...batches(), maxNumNeighbors: 4 }))).toEqual(EDGES);
    expect(pairs(radius(x(), y(), 5, { maxNumNeighbors: 10 }))).toEqual(EDGES);
  });

  it("are found by number", () => {
    expect(pairs(knn(x(), y(), 2, batches()))).toEqual([[0, 0], [0, 1], [1, 3], [1, 4], [2, 6], [2, 5]]); // prettier-ignore
    expect(knn(x(), y(), 5, batches()).size(1)).toBe(5 + 5 + 3);
  });

  it("count at exactly the radius", () => {
    expect(pairs(radius(tensor([[0], [1], [2]]), tensor([[0]]), 1))).toEqual([[0, 0], [0, 1]]); // prettier-ignore
  });

  it("of the lowest index are kept, not the nearest", () => {
    expect(pairs(radius(tensor([[3], [2], [1], [0]]), tensor([[0]]), 5, { maxNumNeighbors: 2 }))).toEqual([[0, 0], [0, 1]]); // prettier-ignore
  });

  it("at equal distance come with the lower index first", () => {
    expect(pairs(knn(tensor([[1], [-1], [1], [0.5]]), tensor([[0]]), 3))).toEqual([[0, 3], [0, 0], [0, 1]]); // prettier-ignore
  });

  it("by angle", () => {
    expect(pairs(knn(tensor([[1, 1], [5, 0], [-1, 0]]), tensor([[1, 0]]), 2, { cosine: true }))).toEqual([[0, 1], [0, 0]]); // prettier-ignore
  });

  it("may be none", () => {
    expect(radius(rand([5, 3]), rand([4, 3]).add(10), 0.1).shape).toEqual([2, 0]);
    expect(radius(rand([5, 3]), zeros([0, 3]), 1).shape).toEqual([2, 0]);
    expect(knn(zeros([0, 3]), rand([4, 3]), 2).shape).toEqual([2, 0]);
  });

  /**
   * Points of the unit cube on a grid of 1/1024: squares of distances are whole numbers of 2^-20 below 2^3, exact in float32
   * whatever the order of the sum, so that no CPU's rounding decides who is near. Many distances are equal.
   */
  const gridPoints = (count: number, dims: number) => rand([count, dims]).mul(1024).floor().div(1024);

  /** All pairs by distance matrix, y ascending, then x ascending. */
  function bruteForce(x: Tensor, y: Tensor, r: number, limit: number, batchX: Tensor, batchY: Tensor): number[][] {
    const near = y
      .unsqueeze(1)
      .sub(x.unsqueeze(0))
      .square()
      .sum([-1])
      .sqrt()
      .le(r)
      .logicalAnd(batchY.unsqueeze(1).eq(batchX.unsqueeze(0)));
    const kept = near.logicalAnd(near.cumsum(1).le(limit));
    return kept.nonzero().toArray() as number[][];
  }

  it.each([
    ["in one dimension", 1, 0.05, 1000],
    ["in two dimensions, cut off", 2, 0.2, 5],
    ["in three dimensions", 3, 0.2, 1000],
    ["in three dimensions, far more than are kept", 3, 1, 8],
    ["in five dimensions", 5, 0.6, 16],
  ])("%s equal those of the distance matrix", (_, dims, r, limit) => {
    manualSeed(dims);
    const [x, y] = [gridPoints(4500, dims), gridPoints(200, dims)];
    const [batchX, batchY] = [rand([4500]).mul(3).floor().long(), rand([200]).mul(3).floor().long().sort()[0]];
    const edges = radius(x, y, r, { maxNumNeighbors: limit, batchX, batchY });
    expect(pairs(edges)).toEqual(bruteForce(x, y, r, limit, batchX, batchY));
  });

  it.each([1, 3, 4])("by number equal those of the distance matrix in %i dimensions", (dims) => {
    manualSeed(dims);
    const [x, y] = [gridPoints(2000, dims), gridPoints(150, dims)];
    const distances = y.unsqueeze(1).sub(x.unsqueeze(0)).square().sum([-1]).sqrt(); // (M, N)
    const nearest = distances.sort({ stable: true, dim: 1 })[1].narrow(1, 0, 12); // (M, 12)
    expect(knn(x, y, 12).index(1).reshape([150, 12]).toArray()).toEqual(nearest.toArray());
  });

  it("survive points that are no numbers", () => {
    const broken = cat([rand([40, 3]), tensor(Array.from({ length: 40 }, () => [NaN, Infinity, 0]))]);
    expect(
      radius(broken, rand([5, 3]), 2)
        .index(1)
        .max()
        .item(),
    ).toBeLessThan(40);
    expect(
      knn(broken, rand([5, 3]), 3)
        .index(1)
        .max()
        .item(),
    ).toBeLessThan(40);
  });

  it.each([
    ["integer points", () => radius(ints([1, 2]).unsqueeze(1), ints([1]).unsqueeze(1), 1), "floating point"],
    ["other dims", () => radius(rand([2, 3]), rand([2, 2]), 1), "shapes"],
    ["a batch vector of another length", () => knn(rand([2, 3]), rand([2, 3]), 1, { batchX: ints([0]) }), "batch_x"],
  ])("refuse %s", (_, call, message) => {
    expect(() => noGrad(call)).toThrow(message);
  });
});
