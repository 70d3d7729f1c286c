import { inspect } from "node:util";
import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import type { OptimizerWrapper } from "../../../lib/core/optimizer";
import {
  createOptimizer,
  groupName,
  groupParameters,
  LrScaleByNameModifier,
  WeightDecayByNameModifier,
} from "../../../lib/core/optimizer";
import { AnyOptimizerConfig, OptimizerConfig } from "../../../lib/core/optimizer/optimizer-config";
import { ParamGroupModifierConfig } from "../../../lib/core/optimizer/param-group-modifiers/base";
import { type GradScalerLike, NoopGradScaler } from "../../../lib/torch/amp/grad-scaler";
import { nn, optim, randn, type Tensor, tensor, zeros } from "../../../lib/torch";

class ConvNet extends nn.Module {
  readonly conv = new nn.Conv2d(3, 16, 3);
  readonly bn = new nn.BatchNorm2d(16);
  readonly fc = new nn.Linear(16, 10);
  override forward(x: Tensor): Tensor {
    return x;
  }
}

class Two extends nn.Module {
  readonly a = new nn.Linear(2, 3);
  readonly n = new nn.LayerNorm([3]);
  readonly b = new nn.Linear(3, 1);
  override forward(x: Tensor): Tensor {
    return this.b.forward(this.n.forward(this.a.forward(x)));
  }
}

const counter = () =>
  new UpdateCounter({
    startIteration: new TrainingIteration(0, 0, 0),
    endIteration: new TrainingIteration(10),
    updatesPerEpoch: 10,
    effectiveBatchSize: 1,
  });

function wrap(model: nn.Module, config: Parameters<typeof OptimizerConfig.create>[0]): OptimizerWrapper {
  const construct = createOptimizer(AnyOptimizerConfig.parse({ kind: "torch.optim.SGD", lr: 0.1, ...config }));
  return (construct as NonNullable<typeof construct>)(model, { updateCounter: counter() });
}

const modifier = (name: string, properties: object) => ({
  kind: `noether.core.optimizer.${"scale" in properties ? "LrScaleByNameModifier" : "WeightDecayByNameModifier"}`,
  name,
  ...properties,
});

function layout(wrapper: OptimizerWrapper): [string, string[]][] {
  const names = [...wrapper.paramIdxToName.toForward().values()];
  return wrapper.paramGroups.map((group) => [group.name, names.splice(0, group.params.length)]);
}

describe("parameter groups", () => {
  test("weight decay, scales and indices of the documented example", () => {
    const wrapper = wrap(new ConvNet(), {
      lr: 1e-3,
      weight_decay: 0.05,
      param_group_modifiers_config: [modifier("fc.weight", { scale: 0.5 }), modifier("fc.bias", { scale: 0.25 })],
      weight_decay_schedule: { kind: "noether.core.schedules.ConstantSchedule", value: 0.1 } as never,
    });
    expect(layout(wrapper)).toEqual([
      ["default", ["conv.weight"]],
      ["weight_decay=0", ["conv.bias", "bn.weight", "bn.bias"]],
      ["lr_scale=5.0e-01", ["fc.weight"]],
      ["weight_decay=0&lr_scale=2.5e-01", ["fc.bias"]],
    ]);
    expect(wrapper.paramGroups.map(({ lr, originalLr, excludeFromWd }) => [lr, originalLr, excludeFromWd])).toEqual([
      [1e-3, undefined, false],
      [1e-3, undefined, true],
      [5e-4, 1e-3, false],
      [2.5e-4, 1e-3, true],
    ]);
  });

  test.each([
    [
      {},
      [
        ["default", ["conv.weight", "fc.weight"]],
        ["weight_decay=0", ["conv.bias", "bn.weight", "bn.bias", "fc.bias"]],
      ],
    ],
  ])("without modifiers", (config, expected) => expect(layout(wrap(new ConvNet(), config))).toEqual(expected));

  test("biases are no norm parameters, norm parameters no biases", () => {
    expect(layout(wrap(new Two(), { exclude_bias_from_weight_decay: false }))).toEqual([
      ["default", ["a.weight", "a.bias", "n.bias", "b.weight", "b.bias"]],
      ["weight_decay=0", ["n.weight"]],
    ]);
    expect(layout(wrap(new Two(), { exclude_normalization_params_from_weight_decay: false }))).toEqual([
      ["default", ["a.weight", "n.weight", "b.weight"]],
      ["weight_decay=0", ["a.bias", "n.bias", "b.bias"]],
    ]);
  });

  test("two scales multiply; equal properties share a group", () => {
    const model = new Two();
    const modifiers = [0.5, 0.5].map((scale) => new LrScaleByNameModifier({ name: "a.weight", scale }));
    const groups = groupParameters(model, {
      modifiers,
      excludeBiasFromWeightDecay: false,
      excludeNormalizationParamsFromWeightDecay: false,
    });
    expect(groups.map(({ name, properties }) => [name, properties])).toEqual([
      ["lr_scale=2.5e-01", { lr_scale: 0.25 }],
      ["default", {}],
    ]);
  });

  test("weight decay for an exempt parameter is refused", () =>
    expect(() => wrap(new Two(), { param_group_modifiers_config: [modifier("a.bias", { value: 0.1 })] })).toThrow(
      "weight_decay is already in",
    ));

  test("a modifier that finds nothing is refused, with the names that there are", () =>
    expect(() => wrap(new Two(), { param_group_modifiers_config: [modifier("a.wight", { scale: 0.1 })] })).toThrow(
      /failed.*'a.weight'/,
    ));

  test("names", () => {
    expect(groupName({})).toBe("default");
    expect(groupName({ weight_decay: 0, lr_scale: 0.5 })).toBe("weight_decay=0&lr_scale=5.0e-01");
    expect(() => groupName({ x: "y" })).toThrow("expected a number");
  });
});

describe("modifiers", () => {
  test("by name: nothing, then once", () => {
    const scale = new LrScaleByNameModifier({ name: "some_param", scale: 0.1 });
    expect([scale.getProperties(null, "other", null), scale.wasAppliedSuccessfully()]).toEqual([{}, false]);
    expect([scale.getProperties(null, "some_param", null), scale.wasAppliedSuccessfully()]).toEqual([
      { lr_scale: 0.1 },
      true,
    ]);
    expect(() => scale.getProperties(null, "some_param", null)).toThrow(
      "found two parameters matching name 'some_param'",
    );
    expect(String(scale)).toBe("LrScaleByNameModifier(name=some_param,scale=0.1)");

    const decay = new WeightDecayByNameModifier({ name: "cls_token", value: 0 });
    expect(decay.getProperties(null, "cls_token", null)).toEqual({ weight_decay: 0 });
    expect(() => decay.getProperties(null, "cls_token", null)).toThrow(
      "found two parameters matching name 'cls_token'",
    );
    expect(String(decay)).toBe("WeightDecayByNameModifier(name=cls_token), value=0.0)");
  });

  test("a scale where a decay belongs is refused", () => {
    expect(() => new WeightDecayByNameModifier({ name: "x", scale: 0.5, value: null })).toThrow(
      "takes value, not scale",
    );
    expect(() => ParamGroupModifierConfig.create({ name: "x" })).toThrow();
    expect(() => ParamGroupModifierConfig.create({ name: "x", scale: 1, value: 1 })).toThrow();
  });
});

describe("steps", () => {
  /** One parameter with a gradient of (3, 4, 12). */
  class Three extends nn.Module {
    readonly w = new nn.Parameter(zeros([3]));
    override forward(x: Tensor): Tensor {
      return x;
    }
  }
  function withGradient(
    config: Parameters<typeof OptimizerConfig.create>[0],
    gradient = [3, 4, 12],
  ): { wrapper: OptimizerWrapper; model: Three } {
    const model = new Three();
    const wrapper = wrap(model, { lr: 1, ...config });
    model.w.grad = tensor(gradient);
    return { wrapper, model };
  }

  test("the norm is clipped and reported as it was", () => {
    const { wrapper, model } = withGradient({ clip_grad_norm: 1 });
    const norm = wrapper.step() as Tensor;
    expect(norm.item()).toBe(13);
    [-0.230769217, -0.3076922894, -0.9230768681].forEach((value, i) =>
      expect((model.w.toArray() as number[])[i]).toBeCloseTo(value, 6),
    );
  });

  test("values are clipped before the norm", () => {
    const { wrapper, model } = withGradient({ clip_grad_value: 0.5 }, [3, -4, 0.12]);
    expect(wrapper.step()).toBeNull();
    [-0.5, 0.5, -0.12].forEach((value, i) => expect((model.w.toArray() as number[])[i]).toBeCloseTo(value, 6));
  });

  test("the gradient scaler is asked in order, once each", () => {
    const calls: string[] = [];
    const scaler: GradScalerLike = {
      ...new NoopGradScaler(),
      scale: (loss) => loss,
      isEnabled: () => true,
      stateDict: () => new Map(),
      loadStateDict: () => undefined,
      unscale_: () => void calls.push("unscale"),
      step: () => void calls.push("step"),
      update: () => void calls.push("update"),
    };
    const { wrapper, model } = withGradient({ clip_grad_norm: 1, clip_grad_value: 0.5 });
    wrapper.step(scaler);
    expect(calls).toEqual(["unscale", "step", "update"]);
    model.w.grad = null;
    wrapper.step(scaler);
    expect(calls).toHaveLength(3);
  });

  test("gradients: noticed and dropped", () => {
    const { wrapper, model } = withGradient({});
    expect(wrapper.hasParamWithGrad()).toBe(true);
    wrapper.zeroGrad();
    expect([wrapper.hasParamWithGrad(), model.w.grad]).toEqual([false, null]);
  });

  test("schedules set learning rate and weight decay", () => {
    const config = {
      weight_decay: 0.01,
      schedule_config: { kind: "noether.core.schedules.ConstantSchedule", value: 0.002 } as never,
      weight_decay_schedule: { kind: "noether.core.schedules.ConstantSchedule", value: 0.05 } as never,
      param_group_modifiers_config: [modifier("b.weight", { scale: 0.5 })],
    };
    const wrapper = wrap(new Two(), config);
    wrapper.scheduleStep();
    expect(wrapper.paramGroups.map(({ name, lr, weightDecay }) => [name, lr, weightDecay])).toEqual([
      ["default", 0.002, 0.05],
      ["weight_decay=0", 0.002, 0],
      ["lr_scale=5.0e-01", 0.001, 0.05],
    ]);
  });

  test("as text", () => {
    const wrapper = wrap(new Two(), { clip_grad_norm: 1 });
    expect(String(wrapper)).toBe("SGD(clip_grad_norm=1.0)");
    expect(String(wrap(new Two(), {}))).toBe("SGD");
    expect(inspect(wrapper)).toBe(`OptimizerWrapper(${String(wrapper.torchOptim)})`);
  });
});

describe("warnings", () => {
  let warnings: jest.SpyInstance;
  beforeEach(() => (warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true)));
  afterEach(() => warnings.mockRestore());

  test("a weight decay schedule without weight decay has no effect", () => {
    wrap(new Two(), {
      weight_decay_schedule: { kind: "noether.core.schedules.ConstantSchedule", value: 0.1 } as never,
    });
    expect(warnings.mock.calls.join()).toContain("weight_decay_schedule has no effect");
  });
});

describe("state", () => {
  function trained(model: nn.Module): OptimizerWrapper {
    const wrapper = wrap(model, { kind: "torch.optim.AdamW", lr: 1e-3, weight_decay: 0.1 });
    for (const parameter of model.parameters()) parameter.grad = randn(parameter.shape);
    wrapper.step();
    return wrapper;
  }
  const momentOf = (wrapper: OptimizerWrapper, name: string): unknown => {
    const state = wrapper.torchOptim.stateDict().state.get(wrapper.paramIdxToName.getKeyByValue(name));
    return (state?.["exp_avg"] as Tensor | undefined)?.toArray();
  };

  test("keys and order", () => {
    const state = trained(new Two()).stateDict();
    expect([...state.keys()]).toEqual(["state", "param_groups", "param_idx_to_name"]);
    const target = wrap(new Two(), { kind: "torch.optim.AdamW" });
    const load = jest.spyOn(target.torchOptim, "loadStateDict");
    target.loadStateDict(state);
    expect(load).toHaveBeenCalledTimes(1);
    const [, group] = state.get("param_groups") as Record<string, unknown>[];
    expect(Object.keys(group as object)).toEqual([
      "weight_decay", "name", "lr", "betas", "eps", "amsgrad", "maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay", "initial_lr", "params",
    ]); // prettier-ignore
  });

  test("is matched by name when groups and order differ", () => {
    const source = trained(new Two());
    const target = wrap(new Two(), { kind: "torch.optim.AdamW", lr: 5e-2, exclude_bias_from_weight_decay: false });
    expect([...target.paramIdxToName.toForward()]).not.toEqual([...source.paramIdxToName.toForward()]);
    target.loadStateDict(source.stateDict());
    for (const name of ["a.weight", "a.bias", "n.weight", "b.bias"])
      expect(momentOf(target, name)).toEqual(momentOf(source, name));
    expect(target.paramGroups[0]?.lr).toBe(5e-2);
  });

  test("parameters without state in the file have none afterwards, others keep theirs", () => {
    const model = new Two();
    const source = wrap(model, { kind: "torch.optim.AdamW" });
    for (const [name, parameter] of model.namedParameters())
      if (name !== "b.weight") parameter.grad = randn(parameter.shape);
    source.step();
    const target = wrap(new Two(), { kind: "torch.optim.AdamW", exclude_bias_from_weight_decay: false });
    target.loadStateDict(source.stateDict());
    expect(momentOf(target, "b.weight")).toBeUndefined();
    expect(momentOf(target, "a.bias")).toEqual(momentOf(source, "a.bias"));
  });

  test("parameters that the file does not know start without state, with a warning", () => {
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    class Three extends Two {
      readonly c = new nn.Linear(1, 1);
    }
    const source = trained(new Two());
    const target = wrap(new Three(), { kind: "torch.optim.AdamW" });
    target.loadStateDict(source.stateDict());
    expect([momentOf(target, "c.weight"), momentOf(target, "a.weight")]).toEqual([
      undefined,
      momentOf(source, "a.weight"),
    ]);
    expect(warnings.mock.calls.join()).toContain("c.weight, c.bias");
    warnings.mockRestore();
  });

  test("a file without names is matched by position and brings its options", () => {
    const model = new Two();
    const plain = new optim.AdamW(
      [
        { params: [model.a.weight, model.b.weight] as Tensor[] },
        { params: [model.a.bias, model.n.weight, model.n.bias, model.b.bias] as Tensor[] },
      ],
      { lr: 7e-3 },
    );
    const target = wrap(new Two(), { kind: "torch.optim.AdamW" });
    const { state, param_groups } = plain.stateDict();
    target.loadStateDict(
      new Map<string, unknown>([
        ["state", state],
        ["param_groups", param_groups],
      ]),
    );
    expect(target.paramGroups[0]?.lr).toBe(7e-3);
  });
});

describe("from a configuration", () => {
  test("null gives null", () => expect(createOptimizer(null)).toBeNull());
  test("a kind is needed", () =>
    expect(() => createOptimizer(OptimizerConfig.create({ lr: 1 }))).toThrow("needs a kind"));
  test.each([
    ["torch.optim.AdamW", 1e-3, 0.01],
    ["torch.optim.SGD", 1e-3, 0],
    ["noether.core.optimizer.MuonComposite", 0.01, 0.01],
  ])("null is the default of %s", (kind, lr, decay) => {
    const [group] = wrap(new Two(), {
      kind,
      lr: null,
      weight_decay: null,
      exclude_bias_from_weight_decay: false,
    }).paramGroups;
    expect([group?.lr, group?.weightDecay]).toEqual([lr, decay]);
  });
  test("Lion has no default learning rate", () =>
    expect(() => wrap(new Two(), { kind: "noether.core.optimizer.Lion", lr: null })).toThrow("expected a number"));
  test("options of the optimizer itself are passed on", () => {
    const wrapper = wrap(new Two(), { kind: "torch.optim.AdamW", lr: 1e-3, betas: [0.8, 0.9] } as never);
    expect((wrapper.paramGroups[0] as unknown as { betas: number[] }).betas).toEqual([0.8, 0.9]);
  });
});
