/**
 * What the CUDA kernels (`native/src/cuda`) compute against the CPU: edges bit for bit, numbers against float64. A case throws where
 * they differ, so that it runs under Jest and in a script alike.
 */
import { knn, knnTable, modulatedNorm, type NeighborTable, radius, radiusTable } from "../../lib/modeling";
import { Lion } from "../../lib/core/optimizer";
import { poolSegments } from "../../lib/modeling/functional/pool-segments";
import { rotate } from "../../lib/modeling/functional/rotate";
import {
  amp,
  cat,
  type DType,
  linspace,
  manualSeed,
  nn,
  optim,
  rand,
  randint,
  randn,
  scope,
  type Tensor,
} from "../../lib/torch";

/** One comparison. */
export interface KernelCase {
  readonly name: string;
  run(): void;
}

/** How far a result in a dtype may be from float64's, relative to the largest value: a few roundings. */
const TOLERANCE: Partial<Record<DType, number>> = { float32: 2e-6, bfloat16: 1e-2, float16: 2e-3 };

function expectEqual(got: Tensor, expected: Tensor, what: string): void {
  const [shape, wanted] = [got.shape.join(" × "), expected.shape.join(" × ")];
  if (shape !== wanted) throw new Error(`${what}: expected shape ${wanted}, got ${shape}`);
  const different = got.cpu().ne(expected).sum().item();
  if (different !== 0) throw new Error(`${what}: ${different} of ${expected.numel()} entries differ`);
}

function expectClose(got: Tensor, truth: Tensor, dtype: DType, what: string): void {
  const [shape, wanted] = [got.shape.join(" × "), truth.shape.join(" × ")];
  if (shape !== wanted) throw new Error(`${what}: expected shape ${wanted}, got ${shape}`);
  if (truth.numel() === 0) return;
  const exact = truth.to("float64");
  const error = got.cpu().to("float64").sub(exact).abs().max().item() as number;
  const allowed = TOLERANCE[dtype]! * Math.max(1, exact.abs().max().item() as number);
  if (!(error <= allowed)) throw new Error(`${what}: off by ${error}, at most ${allowed} is allowed`);
}

// ---- neighbours

type Cloud = (count: number, dims: number) => Tensor;
const clouds: Record<string, Cloud> = {
  uniform: (count, dims) => rand([count, dims]),
  // many equal distances and equal points
  lattice: (count, dims) => randint(0, 6, [count, dims]).to("float32").div(4),
  // most points in a thin layer, as a mesh has them at a wall
  "boundary layer": (count, dims) => rand([count, dims]).pow(linspace(1, 6, dims)),
  "a point that is not a number": (count, dims) => {
    const points = rand([count, dims]);
    points.index(0).fill_(NaN);
    if (count > 2) points.index(2).fill_(Infinity);
    return points;
  },
};

/** Samples 0 to 3 in any order; on one side not all occur. */
const samplesOf = (count: number, first: number) => randint(first, 4, [count]);

/** Indices, −1 where there is none. */
const table = ({ index, valid }: NeighborTable) => (valid ? index.where(valid, -1) : index);

function neighbourCase(name: string, search: (device: string) => Tensor): KernelCase {
  return {
    name,
    run: () =>
      scope(() => {
        manualSeed(5);
        const expected = search("cpu");
        manualSeed(5);
        expectEqual(search("cuda"), expected, name);
      }),
  };
}

const neighbourCases: KernelCase[] = Object.entries(clouds).flatMap(([kind, cloud]) =>
  [
    [1, 1, 3],
    [500, 33, 1],
    [3000, 400, 2],
    [20000, 1000, 3],
    [5000, 200, 5],
  ].flatMap(([points, queries, dims]) =>
    (["float32", "float64", "bfloat16"] as const).flatMap((dtype) => {
      const inputs = (device: string) => {
        const x = cloud(points!, dims!).to(dtype);
        const y = cat([cloud(queries!, dims!).to(dtype).mul(1.1), x.narrow(0, 0, 1)]);
        const [batchX, batchY] = [samplesOf(points!, 0), samplesOf(queries! + 1, 1)];
        return { x: x.to(device), y: y.to(device), batches: { batchX: batchX.to(device), batchY: batchY.to(device) } };
      };
      const of = `${points} points (${kind}, ${dims} coordinates, ${dtype})`;
      const near = 0.5 * (40 / points!) ** (1 / dims!);
      return [
        neighbourCase(`radius, ${of}`, (device) => {
          const { x, y } = inputs(device);
          return radius(x, y, near);
        }),
        neighbourCase(`radius, the first 20 of many, ${of}`, (device) => {
          const { x, y } = inputs(device);
          return radius(x, y, 0.5, { maxNumNeighbors: 20 });
        }),
        neighbourCase(`radius, the first 100, in samples, ${of}`, (device) => {
          const { x, y, batches } = inputs(device);
          return radius(x, y, 4 * near, { ...batches, maxNumNeighbors: 100 });
        }),
        neighbourCase(`table of radius, 24 places, in samples, ${of}`, (device) => {
          const { x, y, batches } = inputs(device);
          return table(radiusTable(x, y, 4 * near, { ...batches, maxNumNeighbors: 24 }));
        }),
        neighbourCase(`table of knn, 130 places, in samples, ${of}`, (device) => {
          const { x, y, batches } = inputs(device);
          return table(knnTable(x, y, 130, batches));
        }),
        neighbourCase(`knn, 16, ${of}`, (device) => {
          const { x, y } = inputs(device);
          return knn(x, y, 16);
        }),
        neighbourCase(`knn, 150, in samples, ${of}`, (device) => {
          const { x, y, batches } = inputs(device);
          return knn(x, y, 150, batches);
        }),
      ];
    }),
  ),
);

const hugeCases = [
  neighbourCase("radius, a quarter of a million points among themselves", (device) => {
    const x = rand([250_000, 3]).to(device);
    return radius(x, x, 0.02, { maxNumNeighbors: 32 });
  }),
  neighbourCase("knn, a quarter of a million points among themselves", (device) => {
    const x = rand([250_000, 3]).to(device);
    return knn(x, x, 8);
  }),
];

// ---- rotary embedding

interface RotaryProblem {
  readonly heads: number;
  readonly tokens: number;
  readonly channels: number;
  readonly pairs: number;
  readonly half: number;
  /** From a joint projection of queries, keys and values, as in the models, rather than a tensor of its own. */
  readonly joint: boolean;
}

const rotaryProblems: RotaryProblem[] = [
  { heads: 3, tokens: 50, channels: 64, pairs: 32, half: 32, joint: true },
  { heads: 3, tokens: 50, channels: 64, pairs: 30, half: 10, joint: true },
  { heads: 2, tokens: 7, channels: 64, pairs: 24, half: 1, joint: true },
  { heads: 1, tokens: 1, channels: 7, pairs: 3, half: 1, joint: false },
  { heads: 2, tokens: 5, channels: 9, pairs: 3, half: 3, joint: false },
  { heads: 2, tokens: 5, channels: 16, pairs: 8, half: 8, joint: false },
  { heads: 4, tokens: 4099, channels: 48, pairs: 24, half: 24, joint: true },
  { heads: 2, tokens: 0, channels: 8, pairs: 4, half: 4, joint: false },
];

function rotaryCase(problem: RotaryProblem, dtype: DType, angleBatches: 1 | 2): KernelCase {
  const { heads, tokens, channels, pairs, half, joint } = problem;
  const name = `rotary, ${JSON.stringify(problem)}, ${dtype}, angles of ${angleBatches}`;
  return {
    name,
    run: () =>
      scope(() => {
        manualSeed(6);
        const width = heads * channels;
        const stored = randn([2, tokens, joint ? 3 * width : width]).to(dtype);
        const angles = randn([angleBatches, tokens, pairs]);
        const weight = randn([2, heads, tokens, channels]).to(dtype);
        const result = (device: string, as: DType) => {
          const leaf = stored.to(device).to(as).detach().requiresGrad_();
          const x = leaf.narrow(2, 0, width).unflatten(2, [heads, channels]).transpose(1, 2); // (B, H, N, d)
          const [cos, sin] = [
            angles
              .cos()
              .to(device)
              .to(as === "float64" ? as : "float32"),
            angles.sin().to(device),
          ];
          const y = rotate(x, { cos, sin: sin.to(cos.dtype), pairDistance: half });
          y.mul(weight.to(device).to(as)).sum().backward();
          return { y: y.detach(), gradient: leaf.grad! };
        };
        const [got, truth] = [result("cuda", dtype), result("cpu", "float64")];
        expectClose(got.y, truth.y, dtype, name);
        expectClose(got.gradient, truth.gradient, dtype, `${name}, gradient`);
      }),
  };
}

const rotaryCases = rotaryProblems.flatMap((problem) =>
  (["float32", "bfloat16", "float16"] as const).flatMap((dtype) =>
    ([1, 2] as const).map((angleBatches) => rotaryCase(problem, dtype, angleBatches)),
  ),
);

// ---- norm and modulation

function normCase(sizes: readonly [number, number, number], dtype: DType, cast: boolean): KernelCase {
  const [samples, tokens, channels] = sizes;
  const name = `norm and modulation, ${sizes.join(" × ")}, ${dtype}${cast ? " under autocast" : ""}`;
  return {
    name,
    run: () =>
      scope(() => {
        manualSeed(7);
        const parts = {
          x: randn([samples, tokens, channels]),
          vectors: randn([samples, 4 * channels]),
          weight: randn([samples, tokens, channels]),
        };
        const result = (device: string, as: DType, within: boolean) => {
          const onDevice = (values: Tensor) => values.to(dtype).to(device).to(as).detach();
          const [x, vectors] = [onDevice(parts.x).requiresGrad_(), onDevice(parts.vectors).requiresGrad_()];
          const [scale, shift] = vectors.splitWithSizes([2 * channels, channels, channels], -1).slice(1) as [
            Tensor,
            Tensor,
          ];
          const norm = new nn.LayerNorm(channels, { elementwiseAffine: false, eps: 1e-6 });
          const forward = () => modulatedNorm(norm, x, scale, shift);
          const y = within ? amp.autocast({ deviceType: "cuda", dtype: "bfloat16" }, forward) : forward();
          y.mul(onDevice(parts.weight).to(y.dtype)).sum().backward();
          return { y: y.detach(), x: x.grad!, vectors: vectors.grad! };
        };
        const [got, truth] = [result("cuda", dtype, cast), result("cpu", "float64", false)];
        if (cast && got.y.dtype !== "float32") throw new Error(`${name}: expected float32, got ${got.y.dtype}`);
        expectClose(got.y, truth.y, got.y.dtype, name);
        expectClose(got.x, truth.x, dtype, `${name}, gradient of x`);
        expectClose(got.vectors, truth.vectors, dtype, `${name}, gradient of scale and shift`);
      }),
  };
}

const normCases = (
  [
    [2, 700, 192],
    [1, 1, 3],
    [3, 33, 130],
    [1, 5000, 768],
  ] as const
).flatMap((sizes) => [
  ...(["float32", "bfloat16", "float16"] as const).map((dtype) => normCase(sizes, dtype, false)),
  normCase(sizes, "bfloat16", true),
]);

// ---- segments

function segmentCase(
  [segments, places, channels]: readonly [number, number, number],
  dtype: DType,
  mean: boolean,
  within = false,
): KernelCase {
  const name = `${mean ? "mean" : "sum"} of ${segments} segments of ${places} × ${channels}, ${within ? "autocast" : dtype}`;
  return {
    name,
    run: () =>
      scope(() => {
        manualSeed(10);
        const parts = { values: randn([segments * places, channels]), weight: randn([segments, channels]) };
        const valid = rand([segments, places]).gt(0.3);
        const result = (device: string, as: DType) => {
          const values = parts.values.to(dtype).to(device).to(as).detach().requiresGrad_();
          const forward = () => poolSegments(values, places, { valid: valid.to(device), mean });
          const pooled = within ? amp.autocast({ deviceType: device, dtype: "bfloat16" }, forward) : forward();
          pooled.mul(parts.weight.to(dtype).to(device).to(pooled.dtype)).sum().backward();
          return { pooled: pooled.detach(), gradient: values.grad! };
        };
        const [got, again, truth] = [result("cuda", dtype), result("cuda", dtype), result("cpu", "float64")];
        if (within && got.pooled.dtype !== "float32")
          throw new Error(`${name}: expected float32, got ${got.pooled.dtype}`);
        expectClose(got.pooled, truth.pooled, got.pooled.dtype, name);
        expectClose(got.gradient, truth.gradient, dtype, `${name}, gradient`);
        expectEqual(again.pooled, got.pooled.cpu(), `${name}, twice`);
        expectEqual(again.gradient, got.gradient.cpu(), `${name}, gradient twice`);
      }),
  };
}

const segmentCases = (
  [
    [4000, 32, 192],
    [33, 7, 130],
    [1, 1, 3],
  ] as const
).flatMap((sizes) => [
  ...(["float32", "bfloat16", "float16"] as const).map((dtype) => segmentCase(sizes, dtype, true)),
  segmentCase(sizes, "float32", false),
  segmentCase(sizes, "bfloat16", true, true),
]);

// ---- Lion

const lionCase: KernelCase = {
  name: "Lion, many parameters of all sizes, three updates",
  run: () =>
    scope(() => {
      const result = (device: string) => {
        manualSeed(8);
        const sizes = [1, 3, 4, 5, 255, 257, 16384, 16385, 100_003, ...Array<number>(900).fill(12)];
        const parameters = sizes.map((size) => randn([size]).to(device).detach().requiresGrad_());
        const optimizer = new Lion(parameters, { lr: 1e-2, weightDecay: 0.1 });
        for (let update = 0; update < 3; update++) {
          for (const parameter of parameters) parameter.grad = randn([parameter.size(0)]).to(device);
          optimizer.step();
        }
        return cat(
          parameters.flatMap((parameter) => [parameter.detach(), optimizer.state.get(parameter)!.exp_avg as Tensor]),
        );
      };
      expectEqual(result("cuda"), result("cpu"), "Lion");
    }),
};

const muonCase: KernelCase = {
  name: "Muon, matrices of some shapes, two updates",
  run: () =>
    scope(() => {
      const shapes = [[8, 8], [8, 20], [20, 8], [8, 20], [8, 8], [3, 1], [20, 8]]; // prettier-ignore
      const result = (device: string) => {
        manualSeed(9);
        const parameters = shapes.map((shape) => randn(shape).to(device).detach().requiresGrad_());
        const optimizer = new optim.Muon(parameters, { lr: 0.1 });
        for (let update = 0; update < 2; update++) {
          for (const parameter of parameters) parameter.grad = randn(parameter.shape).to(device);
          optimizer.step();
        }
        return cat(parameters.map((parameter) => parameter.detach().flatten()));
      };
      // the iteration is in bfloat16
      expectClose(result("cuda"), result("cpu"), "bfloat16", "Muon");
    }),
};

/** Every comparison; needs a CUDA device. */
export const cases: readonly KernelCase[] = [
  ...neighbourCases,
  ...hugeCases,
  ...rotaryCases,
  ...normCases,
  ...segmentCases,
  lionCase,
  muonCase,
];
