import { Tensor, countTensors, empty, nn, ones, optim, scope, tensor, zeros } from "../../../lib/torch";
import { relative } from "../helpers";
import { OPTIMIZERS } from "./every-optimizer";

function parameter(value: number[], gradient?: number[]): Tensor {
  const param = tensor(value).requiresGrad_();
  if (gradient !== undefined) param.grad = tensor(gradient);
  return param;
}

describe("groups", () => {
  test("keep their own options first, then the defaults in PyTorch's order", () => {
    const optimizer = new optim.AdamW([{ params: [parameter([1])], weightDecay: 0, lrScale: 0.5, name: "head" }], {
      lr: 0.1,
    });
    expect(optimizer.paramGroups[0]).toMatchObject({ weightDecay: 0, lrScale: 0.5, name: "head", lr: 0.1 });
    expect(Object.keys(optimizer.stateDict().param_groups[0]!)).toEqual([
      "weight_decay",
      "lr_scale",
      "name",
      "lr",
      "betas",
      "eps",
      "amsgrad",
      "maximize",
      "foreach",
      "capturable",
      "differentiable",
      "fused",
      "decoupled_weight_decay",
      "params",
    ]);
  });

  test("number their parameters through all groups", () => {
    const optimizer = new optim.SGD([{ params: [parameter([1]), parameter([2])] }, { params: parameter([3]) }]);
    expect(optimizer.stateDict().param_groups.map((group) => group.params)).toEqual([[0, 1], [2]]);
  });

  test("use their own learning rate, which may change between steps", () => {
    const [a, b] = [parameter([1], [1]), parameter([1], [1])];
    const optimizer = new optim.SGD([{ params: [a] }, { params: [b], lr: 0.5 }], { lr: 0.25 });
    optimizer.step();
    optimizer.paramGroups[0]!.lr = 0.125;
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([0.625, 0]);
  });

  test("can be added later", () => {
    const optimizer = new optim.SGD([parameter([1])], { lr: 1 });
    const late = parameter([1], [1]);
    optimizer.addParamGroup({ params: [late] });
    optimizer.step();
    expect(late.item()).toBe(0);
  });

  test("refuse a parameter that is there already", () => {
    const param = parameter([1]);
    expect(() => new optim.SGD([{ params: [param] }, { params: [param] }])).toThrow(
      "SGD: expected each parameter once, got one twice, shape [1]",
    );
  });

  test("refuse results of operations", () => {
    expect(() => new optim.SGD([parameter([1]).mul(2)])).toThrow("SGD: expected leaf tensors");
  });

  test("refuse anything that is no tensor", () => {
    expect(() => new optim.SGD([{ params: [3 as unknown as Tensor] }])).toThrow(
      "SGD: expected tensors as parameters, got 3",
    );
  });

  test("refuse to be empty", () => {
    expect(() => new optim.SGD([])).toThrow("SGD: expected parameters, got an empty list");
  });
});

describe("options", () => {
  test.each([
    [() => new optim.AdamW([parameter([1])], { lr: -1 }), "AdamW: expected a number of at least 0 for lr, got -1"],
    [
      () => new optim.AdamW([parameter([1])], { betas: [1, 0.9] }),
      "AdamW: expected a number from 0 up to, not including, 1 for betas[0], got 1",
    ],
    [() => new optim.AdamW([parameter([1])], { eps: NaN }), "AdamW: expected a number of at least 0 for eps, got NaN"],
    [
      () => new optim.SGD([parameter([1])], { nesterov: true }),
      "SGD: expected momentum above 0 and dampening 0 with nesterov",
    ],
    [
      () => new optim.Adam([parameter([1])], { differentiable: true }),
      "Adam: expected differentiable to be false, got true",
    ],
    [
      () => new optim.Adam([parameter([1])], { weight_decay: 1 } as object),
      "Adam: expected options among lr, betas, eps, weightDecay",
    ],
    [
      () => new optim.SGD([{ params: [parameter([1])], momentum: -1 }]),
      "SGD: expected a number of at least 0 for momentum, got -1",
    ],
  ])("%#", (make, message) => {
    expect(make).toThrow(message);
  });

  test("undefined takes the default", () => {
    expect(new optim.Adam([parameter([1])], { lr: undefined }).paramGroups[0]!.lr).toBe(1e-3);
  });

  test.each([true, null])("the learning rate may be a tensor (fused: %s)", (fused) => {
    const param = parameter([1], [1]);
    const lr = tensor(0.5);
    const optimizer = new optim.SGD([param], { lr, fused });
    optimizer.step();
    lr.fill_(0.25);
    optimizer.step();
    expect(param.item()).toBe(0.25);
  });

  test("Adam takes a tensor, too", () => {
    const [a, b] = [parameter([1], [1]), parameter([1], [1])];
    new optim.AdamW([a], { lr: tensor(0.5) }).step();
    new optim.AdamW([b], { lr: 0.5 }).step();
    expect(relative(a, b)).toBeLessThan(1e-6);
  });
});

describe("step", () => {
  test("skips parameters without gradient: no update, no decay, no state", () => {
    const idle = parameter([1]);
    const optimizer = new optim.AdamW([idle, parameter([1], [1])], { weightDecay: 0.5 });
    optimizer.step();
    expect(idle.item()).toBe(1);
    expect([...optimizer.stateDict().state.keys()]).toEqual([1]);
  });

  test("evaluates a closure with gradients and returns its value", () => {
    const param = parameter([3]);
    const optimizer = new optim.SGD([param], { lr: 0.5 });
    const loss = optimizer.step(() => {
      const value = param.mul(2).sum();
      value.backward();
      return value.item();
    });
    expect([loss, param.item()]).toEqual([6, 2]);
  });

  test.each(["SGD", "Adam"] as const)("%s reads gradients by position, however they lie in memory", (kind) => {
    const update = (gradient: Tensor): Tensor => {
      const param = ones([2, 3]).requiresGrad_();
      param.grad = gradient;
      new optim[kind]([param], { lr: 1 }).step();
      return param.detach();
    };
    // Adam's first step takes little more than the signs, so those must differ between the two orders.
    const gradient = tensor([
      [0, 1, -2],
      [3, -4, 5],
    ]);
    // A transposed view has the same entries, stored in another order.
    const view = gradient.t().contiguous().t();
    expect(view.isContiguous()).toBe(false);
    // Vector code and the code for what is left over round differently, and which entry meets which depends on the layout.
    expect(relative(update(view), update(gradient))).toBeLessThan(1e-6);
  });

  test("works on mixed dtypes", () => {
    const [a, b] = [parameter([1], [1]), tensor([1], { dtype: "float64" }).requiresGrad_()];
    b.grad = tensor([1], { dtype: "float64" });
    new optim.AdamW([a, b], { lr: 0.5, weightDecay: 0 }).step();
    expect([a.item(), b.item()]).toEqual([expect.closeTo(0.5, 6), expect.closeTo(0.5, 6)]);
  });

  test("keeps parameters, their gradients and versions in order for autograd", () => {
    const param = parameter([2]);
    const optimizer = new optim.SGD([param], { lr: 1 });
    param.mul(param).sum().backward();
    optimizer.step();
    expect([param.requiresGrad, param.isLeaf, param.grad?.item()]).toEqual([true, true, 4]);
  });

  test("refuses a parameter that was disposed, by name of the step", () => {
    const param = parameter([1], [1]);
    const optimizer = new optim.SGD([param]);
    param.dispose();
    expect(() => optimizer.step()).toThrow("SGD.step: expected a live tensor");
  });
});

describe("memory", () => {
  test.each(Object.entries(OPTIMIZERS))("a step of %s leaves nothing", (kind, AnOptimizer) => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.GELU(), new nn.Linear(4, 1));
    const isMuon = kind === "Muon"; // takes matrices only, and no `foreach`
    const params = model.parameters().filter((param) => !isMuon || param.ndim === 2);
    const options = kind === "SGD" || kind === "RMSprop" ? { momentum: 0.9 } : {};
    for (const foreach of [null, true]) {
      const optimizer = new AnOptimizer(params as Tensor[], isMuon ? options : { ...options, foreach });
      const update = (): void => {
        optimizer.zeroGrad();
        scope(() =>
          model
            .forward(ones([2, 3]))
            .sum()
            .backward(),
        );
        optimizer.step();
      };
      update();
      const before = countTensors();
      for (let i = 0; i < 8; i++) update();
      expect(countTensors()).toBe(before);
    }
  });

  test("state made inside of a scope outlives it", () => {
    const param = parameter([1], [1]);
    const optimizer = new optim.SGD([param], { momentum: 0.9 });
    scope(() => optimizer.step());
    optimizer.step();
    expect(optimizer.state.get(param)!.momentum_buffer).toBeInstanceOf(Tensor);
  });

  test("state loaded inside of a scope outlives it", () => {
    const source = new optim.Adam([parameter([1], [1])]);
    source.step();
    const target = new optim.Adam([parameter([1], [1])]);
    scope(() => target.loadStateDict(source.stateDict()));
    target.step();
    expect((target.stateDict().state.get(0)!.step as Tensor).item()).toBe(2);
  });
});

test("zeroGrad drops or zeroes", () => {
  const param = parameter([1], [1]);
  const optimizer = new optim.SGD([param]);
  optimizer.zeroGrad({ setToNone: false });
  expect(param.grad!.item()).toBe(0);
  optimizer.zeroGrad();
  expect(param.grad).toBeNull();
});

describe("loadStateDict", () => {
  const started = (): optim.Adam => {
    const optimizer = new optim.Adam([parameter([1], [1]), parameter([2], [1])], { lr: 0.5, betas: [0.8, 0.9] });
    optimizer.step();
    return optimizer;
  };

  test("takes over options, and keeps parameters", () => {
    const target = new optim.Adam([parameter([1]), parameter([2])]);
    const [group] = target.paramGroups;
    target.loadStateDict(started().stateDict());
    expect(target.paramGroups[0]).toMatchObject({ lr: 0.5, betas: [0.8, 0.9] });
    expect(target.paramGroups[0]!.params).toEqual(group!.params);
  });

  test("copies state: the source goes on alone", () => {
    const [source, target] = [started(), started()];
    target.loadStateDict(source.stateDict());
    source.step();
    expect((target.stateDict().state.get(0)!.step as Tensor).item()).toBe(1);
  });

  test("casts to the parameter's dtype, but keeps step in float32", () => {
    const target = new optim.Adam([
      tensor([1], { dtype: "float64" }).requiresGrad_(),
      tensor([1], { dtype: "bfloat16" }).requiresGrad_(),
    ]);
    target.loadStateDict(started().stateDict());
    const dtypes = [...target.stateDict().state.values()].map((state) =>
      Object.values(state).map((value) => (value as Tensor).dtype),
    );
    expect(dtypes).toEqual([
      ["float32", "float64", "float64"],
      ["float32", "bfloat16", "bfloat16"],
    ]);
  });

  test("reads plain objects and maps, and steps that old files hold as numbers", () => {
    const { state, param_groups } = started().stateDict();
    const asObjects = {
      state: Object.fromEntries(
        [...state].map(([index, values]) => [index, new Map(Object.entries({ ...values, step: 7 }))]),
      ),
      param_groups: param_groups.map((group) => new Map(Object.entries(group))),
    };
    const target = new optim.Adam([parameter([1], [1]), parameter([2], [1])]);
    target.loadStateDict(asObjects);
    target.step();
    expect((target.stateDict().state.get(1)!.step as Tensor).item()).toBe(8);
  });

  test("fills options that the file lacks, and AdamW stays AdamW", () => {
    const { state, param_groups } = started().stateDict();
    const target = new optim.AdamW([parameter([1]), parameter([2])]);
    target.loadStateDict({
      state,
      param_groups: param_groups.map(({ lr, params }) => ({ lr, params, decoupled_weight_decay: false })),
    });
    expect(target.paramGroups[0]).toMatchObject({ lr: 0.5, eps: 1e-8, decoupledWeightDecay: true });
  });

  test("SGD takes a momentum buffer of None for an absent one", () => {
    const param = parameter([1], [1]);
    const optimizer = new optim.SGD([param], { lr: 1, momentum: 0.9 });
    optimizer.loadStateDict({
      state: new Map([[0, { momentum_buffer: null }]]),
      param_groups: optimizer.stateDict().param_groups,
    });
    optimizer.step();
    expect(param.item()).toBe(0);
  });

  test.each([
    [{ state: new Map(), param_groups: [] }, "expected 1 parameter groups, got 0"],
    [{ state: new Map(), param_groups: [{ lr: 1, params: [0] }] }, "expected 2 parameters in group 0, got 1"],
    [{ param_groups: [] }, 'expected an object with "state" and "param_groups", got the keys param_groups'],
    [null, 'expected an object with "state" and "param_groups", got object'],
  ])("refuses what does not fit and stays as it was (%#)", (stateDict, message) => {
    const optimizer = started();
    expect(() => optimizer.loadStateDict(stateDict)).toThrow(message);
    expect(optimizer.paramGroups[0]!.lr).toBe(0.5);
    expect(optimizer.stateDict().state.size).toBe(2);
  });
});

test("an optimizer of your own says what its state is and how lists are updated", () => {
  class SignDescent extends optim.Optimizer<{ lr: number | Tensor }> {
    constructor(params: Iterable<Tensor>, lr: number) {
      super(params, { lr });
    }

    protected initialState(param: Tensor): optim.ParamState {
      return { count: zeros([], { dtype: "int64" }), last: empty(param.shape) };
    }

    protected updateGroup(group: optim.ParamGroup<{ lr: number | Tensor }>, batch: optim.Batch): void {
      for (const [i, param] of batch.params.entries())
        param.sub_(batch.grads[i]!.sign(), { alpha: optim.learningRate(group.lr) });
      for (const count of batch.tensors("count")) count.add_(1);
    }
  }
  const param = parameter([1, 1], [0.3, -5]);
  const optimizer = new SignDescent([param], 0.5);
  optimizer.step();
  expect(param.toArray()).toEqual([0.5, 1.5]);
  expect((optimizer.state.get(param)!.count as Tensor).item()).toBe(1);
});
