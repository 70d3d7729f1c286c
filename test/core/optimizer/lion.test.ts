import { manualSeed, nn, noGrad, rand, randn, type Tensor, tensor } from "../../../lib/torch";
import { Lion, type LionOptions } from "../../../lib/core/optimizer";
import { relative } from "../../torch/helpers";

/** Reference values: float64, lr 0.01, weight decay 0.1, made in PyTorch with the algorithm of https://arxiv.org/abs/2302.06675. */

const A = [
  [0.1, -0.2, 0.3],
  [0.05, 0.1, -0.4],
  [-0.3, 0.2, 0.1],
];
const B = [
  [0.1, -0.2, 0.3],
  [-0.005, 0.1, -0.4],
  [-0.3, 0.2, 0.1],
];

function run(
  gradients: readonly number[][],
  options: Partial<LionOptions> = {},
): { steps: number[][]; momentum: number[] } {
  const w = new nn.Parameter(tensor([1, -2, 3], { dtype: "float64" }));
  const lion = new Lion([w], { lr: 0.01, weightDecay: 0.1, ...options });
  const steps = gradients.map((gradient) => {
    w.grad = tensor(gradient, { dtype: "float64" });
    lion.step();
    return w.toArray() as number[];
  });
  return { steps, momentum: (lion.state.get(w)?.["exp_avg"] as Tensor).toArray() as number[] };
}

function expectClose(actual: readonly number[] | undefined, expected: readonly number[]): void {
  expected.forEach((value, i) => expect(actual?.[i]).toBeCloseTo(value, 9));
}

test("weights and momentum", () => {
  const { steps, momentum } = run(A);
  expectClose(steps[0], [0.989, -1.988, 2.987]);
  expectClose(steps[2], [0.987032989, -2.004015988, 2.981018987]);
  expectClose(momentum, [-0.0015249, 0.0010298, -0.0000197]);
});

test("one parameter after another", () => {
  expectClose(run(A, { foreach: false }).steps[2], [0.987032989, -2.004015988, 2.981018987]);
});

test("maximize", () => {
  const { steps } = run(A, { maximize: true });
  expectClose(steps[0], [1.009, -2.008, 3.007]);
  expectClose(steps[2], [1.006973009, -1.983996008, 3.000999007]);
});

test("caution", () => {
  expectClose(run(B).steps[1], [0.978011, -1.996012, 2.994013]);
  const { steps } = run(B, { caution: true });
  expectClose(steps[1], [0.988011, -2.001012, 2.999013]);
  expectClose(steps[2], [0.997022989, -2.009010988, 2.986013987]);
});

test("options are checked", () => {
  const w = new nn.Parameter(tensor([1]));
  expect(() => new Lion([w], { lr: -1 })).toThrow("lr");
  expect(() => new Lion([w], { lr: 1, betas: [1, 0.9] })).toThrow("betas[0]");
  expect(() => new Lion([w], { lr: 1, betas: [0.9, -0.1] })).toThrow("betas[1]");
});

test("state and options as they are saved", () => {
  const w = new nn.Parameter(tensor([1]));
  const lion = new Lion([w], { lr: 0.1 });
  expect(Object.keys(lion.stateDict().param_groups[0] as object)).toEqual([
    "lr",
    "betas",
    "weight_decay",
    "caution",
    "foreach",
    "maximize",
    "params",
  ]);
  w.grad = tensor([1]);
  lion.step();
  expect(Object.keys(lion.stateDict().state.get(0) as object)).toEqual(["exp_avg"]);
});

/** Parameters after some updates; views that are not contiguous take the foreach operators instead of the native pass. */
function train(strided: boolean): { params: Tensor[]; momenta: Tensor[] } {
  manualSeed(0);
  const params = [40, 1, 70000].map((size) => {
    const start = randn([size, 2]);
    return new nn.Parameter(strided ? start.t().contiguous().t() : start);
  });
  const optimizer = new Lion(params, { lr: 1e-2, weightDecay: 0.1 });
  for (let update = 0; update < 3; update++) {
    // Each gradient outweighs the momentum, so that no direction is near zero, where rounding would decide about its sign.
    const gradient = (shape: readonly number[]) =>
      randn(shape)
        .sign()
        .mul(rand(shape).add(1))
        .mul(30 ** update);
    noGrad(() => params.forEach((param) => (param.grad = gradient(param.shape))));
    optimizer.step();
  }
  return { params, momenta: params.map((param) => (optimizer.state.get(param) as { exp_avg: Tensor }).exp_avg) };
}

test("Lion in one native pass gives what the foreach operators give", () => {
  const [native, foreach] = [train(false), train(true)];
  for (const list of ["params", "momenta"] as const) {
    // ATen fuses multiplication and addition on some CPUs only.
    native[list].forEach((value, i) => expect(relative(value, foreach[list][i]!)).toBeLessThan(1e-6));
  }
});
