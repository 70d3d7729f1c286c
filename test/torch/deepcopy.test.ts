import { deepcopy, Generator, nn, noGrad, ones, optim, rand, scope, type Tensor, tensor, zeros } from "../../lib/torch";
import { stored } from "./nn/utils/stored";

const hook = (_: nn.Module, __: unknown[], output: unknown): unknown => output;

class Shared extends nn.Module {
  readonly first = new nn.Linear(2, 2);
  readonly second = new nn.Linear(2, 2);
  readonly table = this.registerBuffer("table", ones([2]), { persistent: false });
  readonly plain = zeros([2]);
  readonly sizes = [1, 2, { deep: new Map([["a", new Set([1])]]) }];
  readonly started = new Date(0);
  private readonly secret = 3;

  constructor() {
    super();
    this.second.weight = this.first.weight;
    this.registerForwardHook(hook);
  }

  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x)).mul(this.secret);
  }
}

class Hidden extends nn.Module {
  readonly #count = 1;
  forward(): number {
    return this.#count;
  }
}

describe("of a module", () => {
  test("treats shared parameters, gradients, buffers and hooks as copy.deepcopy does", () => {
    const shared = new Shared();
    shared.first.weight.grad = ones([2, 2]);
    shared.table.grad = ones([2]);
    shared.first.bias!.requiresGrad_(false);
    const twin = deepcopy(shared);
    expect({
      shared: twin.first.weight === twin.second.weight,
      "weight grad": twin.first.weight.grad !== null,
      "buffer grad": twin.table.grad !== null,
      "requires grad": twin.parameters().map((parameter) => parameter.requiresGrad),
      persistent: [...twin.stateDict().keys()],
      hooks: [twin.forward(ones([1, 2])).shape.join() === "1,2"],
    }).toEqual(stored.copies);
  });

  test("has nothing in common with the original but its values", () => {
    const shared = new Shared();
    const twin = deepcopy(shared);
    expect(twin).toBeInstanceOf(Shared);
    expect(twin.forward(ones([1, 2]))).toEqual(shared.forward(ones([1, 2])));
    noGrad(() => [...twin.parameters(), ...twin.buffers(), twin.plain].forEach((each) => each.add_(1)));
    (twin.sizes[2] as { deep: Map<string, Set<number>> }).deep.get("a")!.add(2);
    expect(shared.table.toArray()).toEqual([1, 1]);
    expect(shared.plain.toArray()).toEqual([0, 0]);
    expect(shared.sizes).toEqual([1, 2, { deep: new Map([["a", new Set([1])]]) }]);
    expect([twin.started.getTime(), twin.started === shared.started]).toEqual([0, false]);
    twin.eval().to("float64");
    expect([shared.training, shared.first.weight.dtype]).toEqual([true, "float32"]);
  });

  test.each<[string, () => nn.Module]>([
    ["Sequential", () => new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU())],
    ["ModuleList", () => new nn.ModuleList([new nn.Linear(2, 2)])],
    ["ModuleDict", () => new nn.ModuleDict({ one: new nn.Linear(2, 2) })],
    ["ParameterList", () => new nn.ParameterList([ones([2])])],
    ["ParameterDict", () => new nn.ParameterDict({ one: ones([2]) })],
    ["LSTM", () => new nn.LSTM(2, 2, { numLayers: 2, bidirectional: true })],
    ["Conv2d", () => new nn.Conv2d(1, 1, 2, { padding: "same", paddingMode: "circular" })],
    ["ConvTranspose2d", () => new nn.ConvTranspose2d(1, 1, 2)],
    ["BatchNorm1d", () => new nn.BatchNorm1d(2)],
    ["Transformer", () => new nn.Transformer({ dModel: 4, nhead: 2, dimFeedforward: 4 })],
    ["MultiheadAttention", () => new nn.MultiheadAttention(4, 2, { kdim: 3, vdim: 5 })],
    ["EmbeddingBag", () => new nn.EmbeddingBag(3, 2)],
    ["AdaptiveLogSoftmaxWithLoss", () => new nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4])],
  ])("%s: the same text and state, other tensors", (_, make) => {
    const module = make();
    const copy = deepcopy(module);
    expect(String(copy)).toBe(String(module));
    expect(copy.stateDict()).toEqual(module.stateDict());
    noGrad(() => copy.parameters().forEach((parameter) => parameter.add_(1)));
    if (module.parameters().length > 0) expect(copy.stateDict()).not.toEqual(module.stateDict());
    expect(Object.keys(copy)).toEqual(Object.keys(module));
  });

  test("a container can grow after it was copied", () => {
    const list = deepcopy(new nn.ModuleList([new nn.Linear(1, 1)]));
    list.append(new nn.Linear(1, 1));
    expect([list.length, list.at(-1).namedParameters().length]).toEqual([2, 2]);
  });

  test("a checkpointed module's copy is checkpointed", () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU());
    nn.checkpointModule(net);
    const copy = deepcopy(net);
    noGrad(() => copy.parameters().forEach((parameter) => parameter.fill_(1)));
    const y = copy.forward(ones([1, 2]));
    expect([y.toArray(), y.gradFn]).toEqual([[[3, 3]], "RecomputedBackward"]);
  });

  test("of the copy's parameters an optimizer trains the copy alone", () => {
    const linear = new nn.Linear(1, 1);
    const [copy, before] = [deepcopy(linear), linear.weight.detach().clone()];
    const optimizer = new optim.SGD(copy.parameters(), { lr: 1 });
    copy
      .forward(ones([1, 1]))
      .sum()
      .backward();
    optimizer.step();
    expect(linear.weight.detach()).toEqual(before);
    expect(copy.weight.detach()).not.toEqual(before);
  });

  test("parameters of a copy made in a scope stay, as those of a new module", () => {
    const copy = scope(() => {
      const { first } = deepcopy(new Shared());
      return first.weight;
    });
    expect(copy.isDisposed).toBe(false);
  });

  test("#private members, which nobody can read, are refused with the way out", () => {
    expect(() => deepcopy(new nn.ModuleList([new Hidden()]))).toThrow(
      "expected objects whose members can be read, got Hidden with #private ones: give Hidden a method deepcopy(), or write `private name` for `#name`",
    );
    class Able extends Hidden {
      deepcopy(): Able {
        return new Able();
      }
    }
    expect(
      deepcopy(new nn.ModuleList([new Able()]))
        .at(0)
        .forward(),
    ).toBe(1);
  });

  test("structuredClone and JSON say how to copy and to write", () => {
    const advice =
      "a module is not plain data: deepcopy(module) copies it, save(module.stateDict(), path) writes its weights";
    expect(() => structuredClone(new nn.Linear(1, 1))).toThrow(advice);
    expect(() => JSON.stringify({ model: new nn.ReLU() })).toThrow(`JSON.stringify at "model": ${advice}`);
  });
});

describe("of other values", () => {
  test("a leaf keeps its gradient; one with a history is refused, as in PyTorch", () => {
    const x = ones([2]).requiresGrad_();
    x.mul(2).sum().backward();
    const copy = deepcopy(x);
    expect([copy.requiresGrad, copy.grad!.toArray(), copy.grad === x.grad]).toEqual([true, [2, 2], false]);
    expect(() => deepcopy([x.mul(2)])).toThrow("expected tensors without a history");
  });

  test("circles, holes and what is held twice", () => {
    const x = tensor([1]);
    const circle: Record<string, unknown> = { x, list: [x, , 3] }; // eslint-disable-line no-sparse-arrays
    circle["self"] = circle;
    const copy = deepcopy(circle);
    expect(copy["self"]).toBe(copy);
    expect((copy["list"] as unknown[])[0]).toBe(copy["x"]);
    expect(copy["x"]).not.toBe(x);
    expect(1 in (copy["list"] as unknown[])).toBe(false);
  });

  test("typed arrays, accessors and classes of one's own", () => {
    class Config {
      values = new Float32Array([1, 2]);
      get first(): number {
        return this.values[0]!;
      }
    }
    const config = new Config();
    const copy = deepcopy(config);
    copy.values[0] = 5;
    expect([copy.first, config.first, copy instanceof Config]).toEqual([5, 1, true]);
  });

  test("a generator goes on where the original does", () => {
    const generator = new Generator().manualSeed(1);
    const copy = deepcopy(generator);
    expect(rand([2], { generator: copy })).toEqual(rand([2], { generator }));
  });

  test("what stands for something outside is refused with its place", () => {
    expect(() => deepcopy({ list: [Promise.resolve()] })).toThrow(
      "deepcopy: expected values that can be copied at list[0], got Promise",
    );
  });
});
