import { nn, randn, type Tensor } from "../../lib/torch";
import { CompositeModel, Model, type ModelBase, type ModelOptions } from "../../lib/core/models";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { GradScaler, NoopGradScaler } from "../../lib/torch/amp/grad-scaler";

const optimizer = (lr: number) => ({ optimizer_config: { kind: "torch.optim.AdamW", lr } });
const config = (name: string, extra: object = {}) => ModelBaseConfig.create({ kind: "test", name, ...extra });

class Single extends Model {
  readonly linear = new nn.Linear(10, 10);
  override forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

const single = (name: string, extra: object = {}, options: ModelOptions = {}) =>
  new Single(config(name, extra), options);

class Pair extends CompositeModel {
  readonly model1: ModelBase | null;
  readonly model2: ModelBase | null;
  constructor(model1: ModelBase | null, model2: ModelBase | null) {
    super(config("composite"));
    this.model1 = model1;
    this.model2 = model2;
  }
  override get submodels(): Record<string, ModelBase | null> {
    return { model1: this.model1, model2: this.model2 };
  }
  override forward(x: Tensor): Tensor {
    return (this.model2 as Single).forward((this.model1 as Single).forward(x));
  }
}

const values = (model: nn.Module): unknown[] => model.parameters().map((parameter) => parameter.toArray());

describe("Model", () => {
  test("counts its weights", () => {
    class Mixed extends Model {
      readonly a = new nn.Linear(2, 2);
      readonly b = new nn.Linear(2, 2);
      override forward(x: Tensor): Tensor {
        return this.a.forward(x);
      }
    }
    const model = new Mixed(config("mixed"));
    model.b.requiresGrad_(false);
    expect([model.paramCount, model.trainableParamCount, model.frozenParamCount]).toEqual([12, 6, 6]);
    expect(model.nogradParamnames).toEqual(["a.weight", "a.bias"]);
    model
      .forward(randn([1, 2]))
      .sum()
      .backward();
    expect(model.nogradParamnames).toEqual([]);
    expect(single("x").paramCount).toBe(110);
  });

  test("initialize takes its three steps in order, once, and says that it did", () => {
    const model = single("x", optimizer(1e-3));
    const steps: string[] = [];
    for (const step of ["initializeWeights", "initializeOptimizer", "applyInitializers"] as const)
      jest.spyOn(model, step).mockImplementation(() => void steps.push(step));
    expect([model.isInitialized, model.initialize() === model, model.isInitialized]).toEqual([false, true, true]);
    expect(steps).toEqual(["initializeWeights", "initializeOptimizer", "applyInitializers"]);
  });

  test("names itself", () => {
    const model = single("model1");
    expect(model.getNamedModels()).toEqual({ model1: model });
  });

  test.each([
    [{}, { isFrozen: true }],
    [{ is_frozen: true }, {}],
  ])("frozen by %j, %j", (extra, options) => {
    const model = single("x", extra, options).initialize();
    expect([model.isFrozen, model.training, model.parameters().some((parameter) => parameter.requiresGrad)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(model.train().training).toBe(false);
    expect(model.optimizer).toBeNull();
  });

  test("frozen with an optimizer is refused", () => {
    expect(() => single("x", optimizer(1e-3), { isFrozen: true })).toThrow("cannot have an optimizer");
  });

  test("switches between training and evaluation", () => {
    const model = single("x", optimizer(1e-3)).initialize();
    expect([model.train().training, model.linear.training, model.eval().training]).toEqual([true, true, false]);
  });

  test("has no optimizer before initialize", () => {
    const model = single("x", optimizer(1e-3));
    expect([model.optimizer, model.isInitialized]).toEqual([null, false]);
    model.initialize();
    expect([model.optimizer === null, model.isInitialized]).toEqual([false, true]);
  });

  test("without an optimizer: an error in training, none in evaluation", () => {
    expect(() => single("x").initialize()).toThrow("no optimizer");
    expect(single("x").initialize({ evaluation: true }).isInitialized).toBe(true);
  });

  test("without trainable parameters it is frozen", () => {
    class Empty extends Model {
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    const model = new Empty(config("empty")).initialize();
    expect([model.isFrozen, model.training]).toEqual([true, false]);
  });

  test("a step changes every weight, zeroGrad drops the gradients", () => {
    const model = single("x", optimizer(1e-4)).initialize();
    const before = values(model);
    model
      .forward(randn([5, 10]))
      .sum()
      .backward();
    model.optimizerStep(null);
    values(model).forEach((value, i) => expect(value).not.toEqual(before[i]));
    model.optimizerZeroGrad();
    expect(model.parameters().every((parameter) => parameter.grad === null)).toBe(true);
  });

  test("moves to devices that exist", () => {
    const model = single("x");
    expect(model.to("cpu").device).toBe("cpu");
    expect(model.to(null)).toBe(model);
    expect(() => model.to("invalid_device")).toThrow("invalid_device");
    expect(model.to("float64").device).toBe("cpu");
    expect(model.linear.weight.dtype).toBe("float64");
  });

  test("initializers need to know where runs are", () => {
    const initializers = [
      { kind: "noether.core.initializers.ResumeInitializer", run_id: "a", model_name: "x", checkpoint_tag: "latest" },
    ];
    expect(() => single("x", { initializers })).toThrow();
  });
});

describe("CompositeModel", () => {
  test("is frozen when all its submodels are", () => {
    const frozen = () => single("f", {}, { isFrozen: true });
    expect(new Pair(frozen(), frozen()).isFrozen).toBe(true);
    expect(new Pair(frozen(), single("a", optimizer(1e-3))).isFrozen).toBe(false);
  });

  test("names its submodels' models", () => {
    const pair = new Pair(single("model1"), single("model2"));
    expect(Object.keys(pair.getNamedModels())).toEqual(["model1.model1", "model2.model2"]);
  });

  test("submodels keep their own optimizers", () => {
    const pair = new Pair(single("a", optimizer(1e-4)), single("b", optimizer(1e-3))).initialize();
    expect([pair.model1, pair.model2].map((model) => model?.optimizer?.paramGroups[0]?.lr)).toEqual([1e-4, 1e-3]);
    expect(pair.forward(randn([5, 10])).shape).toEqual([5, 10]);
  });

  test("a step changes the submodels that are trained", () => {
    const pair = new Pair(single("a", {}, { isFrozen: true }), single("b", optimizer(1e-3))).initialize();
    pair.train();
    expect([pair.model1?.training, pair.model2?.training]).toEqual([false, true]);
    const before = [values(pair.model1 as Single), values(pair.model2 as Single)];
    pair
      .forward(randn([5, 10]))
      .sum()
      .backward();
    pair.optimizerScheduleStep();
    pair.optimizerStep(new NoopGradScaler());
    pair.optimizerZeroGrad();
    expect(values(pair.model1 as Single)).toEqual(before[0]);
    expect(values(pair.model2 as Single)).not.toEqual(before[1]);
  });

  test("the gradient scale changes once per update, not once per submodel", () => {
    const pair = new Pair(
      single("a", { optimizer_config: { kind: "torch.optim.SGD", lr: 1 } }),
      single("b", { optimizer_config: { kind: "torch.optim.SGD", lr: 1 } }),
    ).initialize();
    const scaler = new GradScaler({ initScale: 2, growthInterval: 1 });
    scaler.scale(pair.forward(randn([5, 10])).sum()).backward();
    pair.optimizerStep(scaler);
    expect(scaler.getScale()).toBe(4);
  });

  test("null and nested submodels", () => {
    const inner = new Pair(single("a", optimizer(1e-3)), null);
    const outer = new Pair(inner, single("b", optimizer(1e-3))).initialize();
    expect(Object.keys(outer.getNamedModels())).toEqual(["model1.model1.a", "model2.b"]);
    expect(outer.to("cpu").device).toBe("cpu");
  });

  test("no submodels, and submodels that are none, are refused", () => {
    class None extends Pair {
      override get submodels(): Record<string, ModelBase | null> {
        return {};
      }
    }
    expect(() => new None(null, null).initialize()).toThrow("no submodels");
    expect(() => new Pair(new nn.Linear(1, 1) as unknown as ModelBase, null).initialize()).toThrow(TypeError);
  });

  test("an optimizer and is_frozen of the composite itself are reported", () => {
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    const model = new Pair(single("a", optimizer(1e-3)), single("b", optimizer(1e-3)));
    Object.assign(model.modelConfig, config("composite", { ...optimizer(1), is_frozen: true }));
    model.initialize();
    for (const key of ["optimizer_config", "is_frozen"])
      expect(warnings.mock.calls.join()).toContain(`${key} of composite model 'composite' has no effect`);
    expect(model.isFrozen).toBe(false);
    warnings.mockRestore();
  });

  test("parameters outside of the submodels are reported", () => {
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    class WithOwn extends Pair {
      readonly token = new nn.Parameter(randn([1]));
    }
    new WithOwn(single("a", optimizer(1e-3)), single("b", optimizer(1e-3))).initialize();
    expect(warnings.mock.calls.join()).toContain("'token'");
    warnings.mockRestore();
  });
});
