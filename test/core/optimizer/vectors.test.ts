/** Optimizers of release 2026.4 of the Python framework, compared with its numbers: parameters, learning rates, groups, state, names. */
import { readFileSync } from "node:fs";
import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { AnyOptimizerConfig, createOptimizer, type OptimizerWrapper } from "../../../lib/core/optimizer";
import { DotProductAttention, PerceiverAttention } from "../../../lib/modeling";
import { nn, noGrad, type Tensor, tensor } from "../../../lib/torch";
import { goldenPath } from "../../support/golden";

interface Run {
  config: Record<string, unknown>;
  lr_per_step: number[][];
  params_after_5: Record<string, number[]>;
  param_groups: Record<string, unknown>[];
  state: Record<string, Record<string, number[]>>;
  param_idx_to_name: Record<string, string>;
}
const { schedule, runs } = JSON.parse(readFileSync(goldenPath("2026.4", "vectors.json"), "utf8")) as {
  schedule: object;
  runs: Record<string, Run>;
};

class Net extends nn.Module {
  readonly a = new nn.Linear(3, 2);
  readonly n = new nn.LayerNorm([2]);
  readonly b = new nn.Linear(2, 4);
  override forward(x: Tensor): Tensor {
    return x;
  }
}
const NAMES = ["a.weight", "a.bias", "n.weight", "n.bias", "b.weight", "b.bias"];

function filled(shape: readonly number[], value: (i: number) => number): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(Array.from({ length: count }, (_, i) => value(i))).reshape([...shape]);
}

function counter(): UpdateCounter {
  return new UpdateCounter({
    startIteration: new TrainingIteration(0, 0, 0),
    endIteration: new TrainingIteration(null, 10),
    updatesPerEpoch: 10,
    effectiveBatchSize: 1,
  });
}

/** Five updates; the learning rates of first and last group in each. */
function replay({ config }: Run): { wrapper: OptimizerWrapper; params: Map<string, Tensor>; rates: number[][] } {
  const model = new Net();
  const params = new Map(model.namedParameters());
  noGrad(() => NAMES.forEach((name, j) => {
    const param = params.get(name)!;
    param.copy_(filled(param.shape, (i) => Math.sin(0.7 * i + j)));
  })); // prettier-ignore
  const schedule_config = config["schedule_config"] === undefined ? null : schedule;
  const updateCounter = counter();
  const parsed = AnyOptimizerConfig.parse({ ...config, schedule_config } as never);
  const wrapper = createOptimizer(parsed)!(model, { updateCounter });
  const rates: number[][] = [];
  for (let t = 0; t < 5; t++) {
    wrapper.scheduleStep();
    rates.push([wrapper.paramGroups[0]!.lr, wrapper.paramGroups.at(-1)!.lr]);
    NAMES.forEach((name, j) => {
      const param = params.get(name)!;
      param.grad = filled(param.shape, (i) => Math.cos(0.5 * i + 0.3 * j + 0.9 * t));
    });
    wrapper.step();
    wrapper.zeroGrad();
    updateCounter.nextUpdate();
  }
  return { wrapper, params, rates };
}

const flat = (value: unknown) => (value as Tensor).detach().flatten().toArray() as number[];

describe.each(Object.entries(runs))("%s", (_, run) => {
  const isMuon = run.config["kind"] === "noether.core.optimizer.MuonComposite";
  const { wrapper, params, rates } = replay(run);
  const file = wrapper.stateDict();

  test("learning rates", () => expect(rates).toEqual(run.lr_per_step));

  test.each(Object.entries(run.params_after_5))("%s", (name, expected) => {
    // the iteration of Muon is in bfloat16
    const tolerance = isMuon && params.get(name)!.ndim === 2 ? 1e-3 : 1e-6;
    flat(params.get(name)).forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance));
  });

  test("groups, with their keys in order", () => {
    const groups = file.get("param_groups") as Record<string, unknown>[];
    expect(groups.map((group) => Object.keys(group))).toEqual(run.param_groups.map((group) => Object.keys(group)));
    expect(JSON.parse(JSON.stringify(groups))).toEqual(run.param_groups);
  });

  test("state by index", () => {
    const state = file.get("state") as Map<number, Record<string, Tensor>>;
    expect([...state.keys()].map(String)).toEqual(Object.keys(run.state));
    for (const [index, expected] of Object.entries(run.state)) {
      const values = state.get(Number(index))!;
      expect(Object.keys(values)).toEqual(Object.keys(expected));
      for (const [key, numbers] of Object.entries(expected)) {
        const actual = flat(values[key]).slice(0, numbers.length);
        actual.forEach((value, i) => expect(Math.abs(value - numbers[i]!)).toBeLessThan(1e-6));
      }
    }
  });

  test("names by index", () =>
    expect(file.get("param_idx_to_name")).toEqual(
      new Map(Object.entries(run.param_idx_to_name).map(([index, name]) => [Number(index), name])),
    ));
});

describe("MuonComposite on the projections of an attention, whose weights are stored together", () => {
  const KIND = "noether.core.optimizer.MuonComposite";

  /** Five updates with weights and gradients in closed form, which j chooses. */
  function train(module: nn.Module, numbers: Readonly<Record<string, number>>): (name: string) => number[] {
    const params = new Map(module.namedParameters());
    noGrad(() => {
      for (const [name, j] of Object.entries(numbers))
        params.get(name)!.copy_(filled(params.get(name)!.shape, (i) => Math.sin(0.7 * i + j)));
    });
    const config = AnyOptimizerConfig.parse({ kind: KIND, lr: 0.02 } as never);
    const wrapper = createOptimizer(config)!(module, { updateCounter: counter() });
    for (let t = 0; t < 5; t++) {
      for (const [name, param] of params)
        param.grad = filled(param.shape, (i) => Math.cos(0.5 * i + 0.3 * (numbers[name] ?? 0) + 0.9 * t));
      wrapper.step();
      wrapper.zeroGrad();
    }
    return (name) => flat(params.get(name));
  }
  const near = (actual: number[], expected: readonly number[]) => {
    expect(actual).toHaveLength(expected.length);
    actual.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-3)); // bfloat16
  };

  test("keys and values: each is the Python framework's matrix of this shape", () => {
    const module = new PerceiverAttention({ hidden_dim: 2, kv_dim: 3, num_heads: 1, bias: false } as never);
    const weights = train(module, { "k.weight": 0, "v.weight": 0 });
    const expected = runs["muon_default"]!.params_after_5["a.weight"]!;
    near(weights("k.weight"), expected);
    near(weights("v.weight"), expected);
  });

  // PyTorch: torch.optim.Muon([q, k, v], lr=0.02, momentum=0.95, weight_decay=0, nesterov=True), which gives the vectors above, too.
  // One matrix of all three would be 0.017 away.
  test("queries, keys and values: PyTorch's, as three matrices", () => {
    const module = new DotProductAttention({ hidden_dim: 4, num_heads: 2, bias: false } as never);
    const weights = train(module, { "q.weight": 0, "k.weight": 1, "v.weight": 2 });
    near(weights("q.weight"), [-0.017308, 0.64432, 1.009961, 0.880278, 0.369624, -0.32343, -0.852679, -0.989718, -0.65031, -0.009158, 0.637719, 0.961061, 0.835077, 0.310479, -0.36185, -0.854566]); // prettier-ignore
    near(weights("k.weight"), [0.838951, 0.99539, 0.690375, 0.069056, -0.56219, -0.956817, -0.887478, -0.379258, 0.292615, 0.81653, 0.958509, 0.662715, 0.013464, -0.630928, -0.975914, -0.842557]); // prettier-ignore
    near(weights("v.weight"), [0.90293, 0.449602, -0.238121, -0.803512, -0.954504, -0.684974, -0.085277, 0.555538, 0.930571, 0.874289, 0.394111, -0.271673, -0.82906, -1.002238, -0.678935, -0.037153]); // prettier-ignore
  });
});
