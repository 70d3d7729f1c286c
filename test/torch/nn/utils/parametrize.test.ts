import { deepcopy, manualSeed, nn, noGrad, ones, scope, tensor, type Tensor, zeros } from "../../../../lib/torch";
import { expectAll, expectPasses, stored } from "./stored";

const {
  cached,
  isParametrized,
  registerParametrization,
  removeParametrizations,
  transferParametrizationsAndParams,
  typeBeforeParametrizations,
} = nn.utils.parametrize;

class Symmetric extends nn.Module {
  calls = 0;
  forward(x: Tensor): Tensor {
    this.calls++;
    return x.triu().add(x.triu(1).mT);
  }
}

class Exponential extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.exp();
  }
  rightInverse(x: Tensor): Tensor {
    return x.log();
  }
}

class Sum extends nn.Module {
  forward(a: Tensor, b: Tensor): Tensor {
    return a.add(b);
  }
  rightInverse(x: Tensor): [Tensor, Tensor] {
    return [x.mul(0.25), x.mul(0.75)];
  }
}

class Wider extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.repeat([2, 1]);
  }
}

function chained(): nn.Linear {
  manualSeed(3);
  const layer = new nn.Linear(3, 3, { dtype: "float64" });
  noGrad(() => layer.weight.abs_());
  registerParametrization(layer, "weight", new Exponential());
  return registerParametrization(layer, "weight", new Symmetric());
}

describe("registerParametrization", () => {
  test("two, one after the other: text, keys, passes and removal as in PyTorch", () => {
    const { printed, keys, removed, ...passes } = stored.parametrized;
    const layer = chained();
    expect(String(layer)).toBe(printed);
    expect([...layer.stateDict().keys()]).toEqual(keys);
    expectPasses(layer, [2, 3], 1, passes);
    expect(removeParametrizations(layer, "weight")).toBe(layer);
    expect([...layer.stateDict().keys()].sort()).toEqual(removed.keys);
    expectAll({ weight: layer.weight }, { weight: removed.weight });
    expect(String(layer)).toBe(removed.printed);
    expect([layer.constructor, isParametrized(layer)]).toEqual([nn.Linear, false]);
  });

  test("the stored parameter stays the object that an optimizer has", () => {
    const layer = new nn.Linear(2, 2);
    const { weight } = layer;
    registerParametrization(layer, "weight", new Symmetric());
    expect(layer.parameters()).toContain(weight);
    expect(layer.weight).not.toBe(weight);
    expect(layer).toBeInstanceOf(nn.Linear);
    expect(typeBeforeParametrizations(layer)).toBe(nn.Linear);
  });

  test("an inverse that gives several makes several parameters; removal puts their value in their place", () => {
    const layer = registerParametrization(new nn.Linear(2, 2), "weight", new Sum());
    expect(layer.namedParameters().map(([name]) => name)).toEqual([
      "bias",
      "parametrizations.weight.original0",
      "parametrizations.weight.original1",
    ]);
    layer.weight = ones([2, 2]) as nn.Parameter;
    expect(layer.stateDict().get("parametrizations.weight.original0")).toEqual(ones([2, 2]).mul(0.25));
    expect(() => removeParametrizations(layer, "weight", { leaveParametrized: false })).toThrow(
      "computed from 2 tensors",
    );
    removeParametrizations(layer, "weight");
    expect(layer.weight).toBeInstanceOf(nn.Parameter);
    expect(layer.weight.equal(ones([2, 2]))).toBe(true);
  });

  test("leaveParametrized: false leaves what is stored", () => {
    const layer = new nn.Linear(2, 2);
    const before = layer.weight.detach().clone();
    registerParametrization(layer, "weight", new Symmetric());
    removeParametrizations(layer, "weight", { leaveParametrized: false });
    expect(layer.weight.detach()).toEqual(before);
  });

  test("of a buffer", () => {
    const norm = new nn.BatchNorm1d(2);
    registerParametrization(norm, "runningVar", new Exponential());
    expect([...norm.stateDict().keys()]).toContain("parametrizations.running_var.original");
    expect(norm.runningVar!.toArray()).toEqual([1, 1]);
    removeParametrizations(norm, "runningVar");
    expect(norm.stateDict().get("running_var")!.toArray()).toEqual([1, 1]);
  });

  test("what changes the shape is refused and changes nothing, unless it is unsafe", () => {
    const layer = new nn.Linear(2, 2);
    const before = layer.stateDict().get("weight")!.clone();
    expect(() => registerParametrization(layer, "weight", new Wider())).toThrow(
      "expected float32 of shape [2, 2] from the parametrization, got float32 of shape [4, 2]; { unsafe: true } allows it",
    );
    expect([[...layer.stateDict().keys()], layer.weight.detach()]).toEqual([["weight", "bias"], before]);
    registerParametrization(layer, "weight", new Wider(), { unsafe: true });
    expect(layer.weight.shape).toEqual([4, 2]);
  });

  test("a name that holds no parameter is refused with those that do", () => {
    expect(() => registerParametrization(new nn.Linear(2, 2), "weigth", new Symmetric())).toThrow(
      'expected the name of a parameter or buffer of Linear, got "weigth"; it has "weight", "bias"',
    );
  });

  test("an assignment without an inverse is refused", () => {
    const layer = registerParametrization(new nn.Linear(2, 2), "weight", new Symmetric());
    expect(() => (layer.weight = new nn.Parameter(zeros([2, 2])))).toThrow("Symmetric: expected a method rightInverse");
  });

  test("state goes into another module of the same form", () => {
    const [from, to] = [chained(), chained()];
    noGrad(() => from.parameters().forEach((parameter) => parameter.add_(1)));
    to.loadStateDict(from.stateDict());
    expect(to.weight.detach()).toEqual(from.weight.detach());
  });

  test("a copy has parametrizations and weights of its own", () => {
    const layer = chained();
    const copy = deepcopy(layer);
    removeParametrizations(layer, "weight");
    expect(isParametrized(copy, "weight")).toBe(true);
    expect(copy.weight.detach()).toEqual(layer.weight.detach());
    noGrad(() => layer.weight.zero_());
    expect(copy.weight.detach()).not.toEqual(layer.weight.detach());
  });
});

describe("cached", () => {
  const counted = (): [nn.Linear, Symmetric] => {
    const parametrization = new Symmetric();
    const layer = registerParametrization(new nn.Linear(2, 2), "weight", parametrization);
    parametrization.calls = 0;
    return [layer, parametrization];
  };

  test("computes once, inside of scopes and of other calls too, and again afterwards", () => {
    const [layer, parametrization] = counted();
    cached(() => {
      scope(() => void layer.forward(ones([1, 2])));
      cached(() =>
        scope(() =>
          layer
            .forward(ones([1, 2]))
            .sum()
            .backward(),
        ),
      );
      expect(layer.weight.equal(layer.weight)).toBe(true);
    });
    expect(parametrization.calls).toBe(1);
    expect(layer.parameters().every(({ grad }) => grad !== null)).toBe(true);
    expect([layer.weight.shape, parametrization.calls]).toEqual([[2, 2], 2]);
  });

  test("holds across await, and only there", async () => {
    const [layer, parametrization] = counted();
    const body = cached(async () => {
      const before = layer.weight;
      await Promise.resolve();
      return layer.weight === before;
    });
    expect(layer.weight.shape).toEqual([2, 2]);
    expect([await body, parametrization.calls]).toEqual([true, 2]);
  });

  test("frees its values with the scope around it", () => {
    const [layer] = counted();
    const held: Tensor[] = [];
    scope(() => {
      cached(() => void held.push(layer.weight));
      expect(held[0]!.isDisposed).toBe(false);
    });
    expect(held[0]!.isDisposed).toBe(true);
  });
});

test("transferParametrizationsAndParams shares parametrizations and stored tensors", () => {
  const [from, to] = [chained(), new nn.Linear(3, 3, { dtype: "float64" })];
  transferParametrizationsAndParams(from, to);
  expect(to.weight.detach()).toEqual(from.weight.detach());
  expect(to.getParameter("parametrizations.weight.original")).toBe(
    from.getParameter("parametrizations.weight.original"),
  );
  expect(() => transferParametrizationsAndParams(new nn.Linear(3, 3), to)).toThrow(
    "expected a module with parametrizations",
  );
});

test("tied weights: a parametrized tensor is used by two modules", () => {
  const layer = registerParametrization(new nn.Linear(2, 2, { bias: false }), "weight", new Symmetric());
  layer
    .forward(layer.forward(tensor([[1, 2]])))
    .sum()
    .backward();
  expect(layer.parameters()[0]!.grad).not.toBeNull();
});
