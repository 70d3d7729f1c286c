import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { AnyOptimizerConfig, createOptimizer, MuonComposite, type OptimizerWrapper } from "../../../lib/core/optimizer";
import { nn, randn, type Tensor, zeros } from "../../../lib/torch";

/** A matrix, vectors, and a tensor of three dimensions. */
class Net extends nn.Module {
  readonly a = new nn.Linear(3, 2);
  readonly n = new nn.LayerNorm([2]);
  readonly placeholder = new nn.Parameter(zeros([1, 1, 2]));
  readonly b = new nn.Linear(2, 4);
  override forward(x: Tensor): Tensor {
    return x;
  }
}

const kind = "noether.core.optimizer.MuonComposite";
const schedule_config = {
  kind: "noether.core.schedules.LinearWarmupCosineDecaySchedule",
  warmup_steps: 3,
  max_value: 0.02,
  end_value: 0.0001,
};
const mixed = { exclude_bias_from_weight_decay: false, exclude_normalization_params_from_weight_decay: false };

const counterAt = (update: number) =>
  new UpdateCounter({
    startIteration: new TrainingIteration(0, update, update),
    endIteration: new TrainingIteration(null, 10),
    updatesPerEpoch: 10,
    effectiveBatchSize: 1,
  });

function wrap(model: nn.Module, options: object = {}, update = 0): OptimizerWrapper {
  const config = AnyOptimizerConfig.parse({ kind, lr: 0.02, ...options } as never);
  return createOptimizer(config)!(model, { updateCounter: counterAt(update) });
}

function trained(model: nn.Module, options: object = {}): OptimizerWrapper {
  const wrapper = wrap(model, options);
  for (const parameter of model.parameters()) parameter.grad = randn(parameter.shape);
  wrapper.step();
  return wrapper;
}

const problems = (options: object) =>
  AnyOptimizerConfig.safeParse({ kind, ...options } as never).error?.issues.map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  ) ?? [];

/** Shapes of the state by the parameter's name. */
function shapesOf(wrapper: OptimizerWrapper): [string, string, readonly number[]][] {
  const { state } = wrapper.torchOptim.stateDict();
  return [...state].map(([index, values]) => {
    const [[key, value]] = Object.entries(values) as [[string, Tensor]];
    return [wrapper.paramIdxToName.getValueByKey(index), key, value.shape];
  });
}

test("matrices go to Muon, everything else to the secondary optimizer, also tensors of more dimensions", () => {
  const wrapper = trained(new Net());
  expect(shapesOf(wrapper)).toEqual([
    ["a.weight", "momentum_buffer", [2, 3]],
    ["b.weight", "momentum_buffer", [4, 2]],
    ["placeholder", "exp_avg", [1, 1, 2]],
    ["a.bias", "exp_avg", [2]],
    ["n.weight", "exp_avg", [2]],
    ["n.bias", "exp_avg", [2]],
    ["b.bias", "exp_avg", [4]],
  ]);
});

test("names are those of the optimizer's order, also where a group has matrices and vectors", () => {
  const wrapper = trained(new Net(), mixed);
  expect(wrapper.paramGroups.map(({ name, params }) => [name, params.length])).toEqual([
    ["default", 2],
    ["default", 5],
  ]);
  const shapes = new Map(new Net().namedParameters().map(([name, parameter]) => [name, parameter.shape]));
  for (const [name, , shape] of shapesOf(wrapper)) expect([name, shape]).toEqual([name, shapes.get(name)]);
});

test("a file whose names are in the order before the split is read by the order of its state", () => {
  const source = trained(new Net(), mixed);
  const file = source.stateDict();
  const names = new Net().namedParameters().map(([name], index) => [index, name] as const);
  const target = wrap(new Net(), mixed);
  target.loadStateDict(new Map(file).set("param_idx_to_name", new Map(names)));
  expect(shapesOf(target)).toEqual(shapesOf(source));
});

test("schedules act after the state was loaded", () => {
  const options = { schedule_config, secondary: { kind: "torch.optim.AdamW", lr: 0.001 } };
  const source = trained(new Net(), options);
  const target = wrap(new Net(), options, 4);
  target.loadStateDict(source.stateDict());
  target.scheduleStep();
  const groups = (target.torchOptim as MuonComposite).paramGroups;
  // the values of release 2026.4
  expect(groups.map(({ lr }) => lr)).toEqual([0.018666952767655166, 0.0009333476383827583, 0.0009333476383827583]);

  const model = new nn.Linear(2, 2);
  model.weight.grad = zeros([2, 2]);
  const linear = wrap(model, { schedule_config, weight_decay: 1 }, 4);
  linear.loadStateDict(linear.stateDict());
  linear.scheduleStep();
  const before = model.weight.detach().clone();
  linear.step();
  expect(model.weight.allclose(before.mul(1 - 0.018666952767655166), 1e-6)).toBe(true);
});

test("an interrupted run goes on as it would have", () => {
  const steps = (wrapper: OptimizerWrapper, model: nn.Module) => {
    for (const [i, parameter] of model.parameters().entries())
      parameter.grad = zeros(parameter.shape).add(0.1 * i + 0.1);
    wrapper.step();
  };
  const [whole, rest] = [new Net(), new Net()];
  const first = wrap(whole);
  steps(first, whole);
  rest.loadStateDict(whole.stateDict());
  const second = wrap(rest);
  second.loadStateDict(first.stateDict());
  steps(first, whole);
  steps(second, rest);
  whole.parameters().forEach((parameter, i) => expect(parameter.equal(rest.parameters()[i]!)).toBe(true));
});

test("groups that do not fit change nothing", () => {
  const optimizer = trained(new Net()).torchOptim;
  const { state, param_groups } = optimizer.stateDict();
  const [muon, ...others] = param_groups;
  const lr = (optimizer as MuonComposite).paramGroups[0]!.lr;
  expect(() => optimizer.loadStateDict({ state, param_groups: others })).toThrow("expected 3 parameter groups, got 2");
  const wrong = [{ ...muon, lr: 7 }, { ...others[0], params: [2] }, others[1]!];
  expect(() =>
    optimizer.loadStateDict({ state, param_groups: wrong.with(1, { ...others[0], params: [2, 3] }) }),
  ).toThrow("expected 1 parameters in group 1, got 2");
  expect((optimizer as MuonComposite).paramGroups[0]!.lr).toBe(lr);
});

test("a model with no matrix, or nothing else, has one optimizer only", () => {
  expect(wrap(new nn.LayerNorm([2])).paramGroups).toHaveLength(1);
  expect(wrap(new nn.Linear(2, 2, { bias: false })).paramGroups).toHaveLength(1);
  expect(() => new MuonComposite([])).toThrow("expected parameters");
});

test("in code: parameters without groups, options in camel case", () => {
  const model = new nn.Linear(2, 3);
  const optimizer = new MuonComposite(model.parameters(), {
    lr: 0.1,
    secondary: { kind: "torch.optim.SGD", momentum: 0.5, weightDecay: 0 },
  });
  expect(optimizer.paramGroups.map(({ lr, momentum, weightDecay }) => [lr, momentum, weightDecay])).toEqual([
    [0.1, 0.95, 0.01],
    [0.1, 0.5, 0],
  ]);
  expect(optimizer.paramGroups[0]!.params).toEqual([model.weight]);
});

describe("configs", () => {
  test.each([
    [{ ns_steps: 100 }, "ns_steps: expected an integer >= 1 and <= 99, received the number 100"],
    [{ momentum: 2 }, "momentum: expected a number >= 0 and <= 1, received the number 2"],
    [{ adjust_lr_fn: "none" }, 'adjust_lr_fn: expected "original" or "match_rms_adamw", received the string "none"'],
    [
      { secondary: { kind: "torch.optim.SGD", betas: [0.9, 0.95] } },
      'secondary.betas: "torch.optim.SGD" has no option of this name; known: "kind", "lr", "weight_decay", "momentum", "dampening", "nesterov", "fused", "foreach", "maximize"',
    ],
    [{ secondary: { momentum: 0.5 } }, /^secondary.momentum: "noether.core.optimizer.Lion" has no option/],
    [{ secondary: { clip_grad_norm: 1 } }, /^secondary.clip_grad_norm: unknown key/],
    [{ secondary: { kind } }, /^secondary.kind: expected an optimizer for parameters of any shape/],
    [{ secondary: { kind: "torch.optim.Adamm" } }, /^secondary.kind: unknown kind .* did you mean "torch.optim.Adam"/],
  ])("%j", (options, problem) => {
    expect(problems(options)).toEqual([typeof problem === "string" ? problem : expect.stringMatching(problem)]);
  });

  test("options of the secondary optimizer that are null have its defaults", () => {
    const secondary = { kind: "torch.optim.AdamW", lr: null, betas: null, eps: 1e-6 };
    const [, group] = wrap(new nn.Linear(2, 2), { secondary }).paramGroups;
    expect(group).toMatchObject({ lr: 0.02, betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0 });
  });
});

test("a file without initial_lr is read", () => {
  const options = { kind: "torch.optim.AdamW", lr: 0.01, schedule_config };
  const file = trained(new Net(), options).stateDict();
  const groups = (file.get("param_groups") as Record<string, unknown>[]).map(({ initial_lr, ...group }) => {
    expect(initial_lr).toBe(0.01);
    return group;
  });
  for (const names of [file.get("param_idx_to_name"), undefined]) {
    const target = wrap(new Net(), options, 4);
    target.loadStateDict(new Map(file).set("param_groups", groups).set("param_idx_to_name", names));
    target.scheduleStep();
    expect(target.paramGroups.map(({ lr }) => lr)).toEqual([0.018666952767655166, 0.018666952767655166]);
  }
});
