/** Optimizers of release 2026.4 of the Python framework, compared with its numbers: parameters, learning rates, groups, state, names. */
import { readFileSync } from "node:fs";
import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { AnyOptimizerConfig, createOptimizer, type OptimizerWrapper } from "../../../lib/core/optimizer";
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
