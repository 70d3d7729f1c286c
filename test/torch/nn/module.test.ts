import type { Tensor } from "../../../lib/torch";
import { TorchError, arange, countTensors, nn, noGrad, ones, scope, tensor, zeros } from "../../../lib/torch";

class Block extends nn.Module {
  readonly width: number;
  readonly norm1: nn.LayerNorm;
  readonly qkvProj: nn.Linear;
  readonly omega: Tensor;
  scale: nn.Parameter;
  bias: nn.Parameter | null = null;
  readonly plain = zeros([2]);
  readonly #secret = new nn.Linear(1, 1);

  constructor(width: number) {
    super();
    this.width = width;
    this.norm1 = new nn.LayerNorm(width);
    this.qkvProj = new nn.Linear(width, 3 * width, { bias: false });
    this.omega = this.registerBuffer("omega", ones([2]), { persistent: false });
    this.registerBuffer("runningMean", zeros([1]));
    this.scale = new nn.Parameter(ones([1]));
  }

  forward(x: Tensor): Tensor {
    return this.qkvProj.forward(this.norm1.forward(x)).mul(this.scale);
  }

  secret(): nn.Module {
    return this.#secret;
  }
}

class Net extends nn.Module {
  readonly blocks: nn.ModuleList<Block>;
  readonly heads: nn.ModuleDict<nn.Linear>;

  constructor() {
    super();
    this.blocks = new nn.ModuleList([new Block(4), new Block(4)]);
    this.heads = new nn.ModuleDict({ surfacePressure: new nn.Linear(12, 1), volume_velocity: new nn.Linear(12, 3) });
  }

  forward(x: Tensor): Tensor {
    return this.heads.get("volume_velocity").forward(this.blocks.at(0).forward(x));
  }
}

const keysOfBlock = ["scale", "running_mean", "norm1.weight", "norm1.bias", "qkv_proj.weight"];

describe("contents", () => {
  test("state-dict keys are snake_case paths: own parameters, own persistent buffers, then children", () => {
    expect([...new Block(4).stateDict().keys()]).toEqual(keysOfBlock);
  });

  test("containers number or name their children; dict keys keep their case", () => {
    expect([...new Net().stateDict().keys()]).toEqual([
      ...keysOfBlock.map((key) => `blocks.0.${key}`),
      ...keysOfBlock.map((key) => `blocks.1.${key}`),
      "heads.surfacePressure.weight",
      "heads.surfacePressure.bias",
      "heads.volume_velocity.weight",
      "heads.volume_velocity.bias",
    ]);
  });

  test("more than ten children stay in order", () => {
    const list = new nn.ModuleList(Array.from({ length: 12 }, () => new nn.Linear(1, 1, { bias: false })));
    expect([...list.stateDict().keys()]).toEqual(Array.from({ length: 12 }, (_, i) => `${i}.weight`));
  });

  test("buffers are listed whether saved or not", () => {
    expect(new Block(4).namedBuffers().map(([name]) => name)).toEqual(["omega", "running_mean"]);
  });

  test("a parameter that replaces another is picked up", () => {
    const block = new Block(4);
    block.bias = new nn.Parameter(zeros([3]));
    expect(block.parameters()).toContain(block.bias);
    expect(block.stateDict().has("bias")).toBe(true);
  });

  test("a shared parameter comes once among parameters, under each name in the state dict", () => {
    const pair = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 2));
    (pair[1] as nn.Linear).weight = (pair[0] as nn.Linear).weight;
    expect(pair.namedParameters().map(([name]) => name)).toEqual(["0.weight", "0.bias", "1.bias"]);
    expect([...pair.stateDict().keys()]).toEqual(["0.weight", "0.bias", "1.weight", "1.bias"]);
  });

  test("a shared module comes once among modules", () => {
    const shared = new nn.Linear(2, 2);
    expect(new nn.Sequential(shared, shared).namedModules().map(([name]) => name)).toEqual(["", "0"]);
  });

  test("modules come with their paths, parents first", () => {
    expect(new Net().namedModules().map(([name]) => name)).toEqual([
      "",
      "blocks",
      "blocks.0",
      "blocks.0.norm1",
      "blocks.0.qkv_proj",
      "blocks.1",
      "blocks.1.norm1",
      "blocks.1.qkv_proj",
      "heads",
      "heads.surfacePressure",
      "heads.volume_velocity",
    ]);
  });

  test("submodules by path", () => {
    const net = new Net();
    expect(net.getSubmodule("blocks.1.qkv_proj")).toBe(net.blocks.at(1).qkvProj);
    expect(() => net.getSubmodule("blocks.2")).toThrow('expected a child of ModuleList (0, 1), got "2"');
  });

  test("counts weights, all or those that train", () => {
    const linear = new nn.Linear(3, 2);
    linear.weight.requiresGrad = false;
    expect([linear.numParameters(), linear.numParameters({ trainable: true })]).toEqual([8, 2]);
  });

  test("apply visits children before their parent", () => {
    const names: string[] = [];
    new nn.Sequential(new nn.Sequential(new nn.Tanh()), new nn.GELU()).apply((module) =>
      names.push(module.constructor.name),
    );
    expect(names).toEqual(["Tanh", "Sequential", "GELU", "Sequential"]);
  });
});

describe("switches", () => {
  test("train and eval reach every module", () => {
    const net = new Net();
    net.eval();
    expect(net.modules().every((module) => !module.training)).toBe(true);
    net.train();
    expect(net.modules().every((module) => module.training)).toBe(true);
  });

  test("requiresGrad_ reaches every parameter", () => {
    expect(
      new Net()
        .requiresGrad_(false)
        .parameters()
        .some((parameter) => parameter.requiresGrad),
    ).toBe(false);
  });

  test("zeroGrad drops gradients or zeroes them", () => {
    const linear = new nn.Linear(2, 1);
    linear
      .forward(ones([1, 2]))
      .sum()
      .backward();
    linear.zeroGrad({ setToNone: false });
    expect(linear.weight.grad?.toArray()).toEqual([[0, 0]]);
    linear.zeroGrad();
    expect(linear.weight.grad).toBeNull();
  });
});

describe("to", () => {
  test("changes the dtype of floating point tensors and keeps every tensor the same object", () => {
    const norm = new nn.BatchNorm1d(2);
    const { weight, runningMean, numBatchesTracked } = norm;
    norm.to("float64");
    expect(norm.weight).toBe(weight);
    expect([weight!.dtype, runningMean!.dtype, numBatchesTracked!.dtype]).toEqual(["float64", "float64", "int64"]);
    expect(weight!.isLeaf && weight!.requiresGrad).toBe(true);
  });

  test("converts gradients along", () => {
    const linear = new nn.Linear(2, 1);
    linear
      .forward(ones([1, 2]))
      .sum()
      .backward();
    linear.double();
    expect(linear.weight.grad?.dtype).toBe("float64");
    expect(linear.weight.grad?.toArray()).toEqual([[1, 1]]);
  });

  test("takes device and dtype, also as options", () => {
    const linear = new nn.Linear(2, 1);
    expect(linear.to("cpu", "bfloat16").weight.dtype).toBe("bfloat16");
    expect(linear.to({ device: "cpu", dtype: "float32" }).weight.dtype).toBe("float32");
  });

  test("leaves complex buffers complex", () => {
    const linear = new nn.Linear(2, 1);
    const frequencies = linear.registerBuffer("frequencies", zeros([2], { dtype: "complex64" }));
    linear.to("float64");
    expect(frequencies.dtype).toBe("complex64");
  });

  test("refuses integer dtypes", () => {
    expect(() => new nn.Linear(2, 1).to({ dtype: "int64" })).toThrow(
      'Linear.to: expected a floating point dtype, got "int64"',
    );
  });

  test("does nothing where nothing changes", () => {
    const linear = new nn.Linear(2, 1);
    const before = linear.weight.version;
    linear.to("cpu");
    expect(linear.weight.version).toBe(before);
  });
});

describe("state dicts", () => {
  test("share memory with the module and are detached", () => {
    const linear = new nn.Linear(2, 2);
    const weight = linear.stateDict().get("weight")!;
    expect(weight.requiresGrad).toBe(false);
    noGrad(() => linear.weight.fill_(7));
    expect(weight.index(0, 0).item()).toBe(7);
  });

  test("keepVars gives the parameters themselves", () => {
    const linear = new nn.Linear(2, 2);
    expect(linear.stateDict({ keepVars: true, prefix: "a." }).get("a.weight")).toBe(linear.weight);
  });

  test("load into another module of the same kind, as maps and as objects", () => {
    const [source, viaMap, viaObject] = [new Net(), new Net(), new Net()];
    viaMap.loadStateDict(source.stateDict());
    viaObject.loadStateDict(Object.fromEntries(source.stateDict()));
    for (const [name, value] of source.stateDict()) {
      expect(viaMap.stateDict().get(name)!.equal(value)).toBe(true);
      expect(viaObject.stateDict().get(name)!.equal(value)).toBe(true);
    }
  });

  test("loading copies: parameters keep identity, dtype and gradient recording", () => {
    const linear = new nn.Linear(2, 1);
    const { weight } = linear;
    linear.loadStateDict({ weight: tensor([[1, 2]], { dtype: "float64" }), bias: tensor([3], { dtype: "int64" }) });
    expect(linear.weight).toBe(weight);
    expect([weight.dtype, weight.requiresGrad, weight.toArray()]).toEqual(["float32", true, [[1, 2]]]);
    expect(linear.bias!.toArray()).toEqual([3]);
  });

  test("everything that does not fit is listed, and nothing is written", () => {
    const net = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
    const before = net.stateDict().get("0.weight")!.clone();
    const wrong = {
      "0.weight": zeros([3, 2]),
      "0.bias": zeros([4]),
      "1.weight": zeros([3]),
      head: zeros([1]),
      "1.extra": zeros([1]),
    };
    expect(() => net.loadStateDict(wrong)).toThrow(
      new TorchError(
        "Error(s) in loading state_dict for Sequential:\n" +
          '\tMissing key(s) in state_dict: "1.bias".\n' +
          '\tUnexpected key(s) in state_dict: "head", "1.extra".\n' +
          "\tsize mismatch for 0.bias: copying a param with shape [4] from checkpoint, the shape in current model is [3].\n" +
          "\tsize mismatch for 1.weight: copying a param with shape [3] from checkpoint, the shape in current model is [1, 3].",
      ),
    );
    expect(net.stateDict().get("0.weight")!.equal(before)).toBe(true);
  });

  test("strict: false loads what fits and reports the rest", () => {
    const linear = new nn.Linear(1, 1);
    const result = linear.loadStateDict({ weight: tensor([[5]]), other: zeros([1]) }, { strict: false });
    expect(result).toEqual({ missingKeys: ["bias"], unexpectedKeys: ["other"] });
    expect(linear.weight.item()).toBe(5);
  });

  test("sizes must fit even if not strict", () => {
    expect(() => new nn.Linear(1, 1).loadStateDict({ weight: zeros([2, 1]) }, { strict: false })).toThrow(
      "size mismatch for weight",
    );
  });

  test("a value that is no tensor is named", () => {
    const state = { weight: 3, bias: zeros([1]) } as unknown as Record<string, Tensor>;
    expect(() => new nn.Linear(1, 1).loadStateDict(state)).toThrow(
      '"weight", expected a Tensor from the checkpoint but received number',
    );
  });

  test("key order does not matter", () => {
    const linear = new nn.Linear(1, 1);
    linear.loadStateDict(
      new Map([
        ["bias", tensor([2])],
        ["weight", tensor([[3]])],
      ]),
    );
    expect([linear.weight.item(), linear.bias!.item()]).toEqual([3, 2]);
  });
});

describe("hooks", () => {
  test("run before and after forward, and can replace input and output", () => {
    const identity = new nn.Identity();
    const before = identity.registerForwardPreHook((_module, [x]) => (x as Tensor).add(1));
    const after = identity.registerForwardHook((_module, _inputs, y) => (y as Tensor).mul(10));
    expect(identity.forward(tensor(1)).item()).toBe(20);
    before.remove();
    expect(identity.forward(tensor(1)).item()).toBe(10);
    after.remove();
    expect(identity.forward(tensor(1)).item()).toBe(1);
  });

  test("leave the state alone", () => {
    const linear = new nn.Linear(1, 1);
    linear.registerForwardHook(() => undefined);
    expect([...linear.stateDict().keys()]).toEqual(["weight", "bias"]);
  });
});

describe("life of the weights", () => {
  test("a module built in a scope outlives it, buffers included", () => {
    const block = scope(() => ({ block: new Block(4) })).block;
    expect(block.forward(arange(4).reshape([1, 4])).shape).toEqual([1, 12]);
    expect(block.omega.toArray()).toEqual([1, 1]);
  });

  test("building makes no tensors beside the weights", () => {
    const before = countTensors();
    scope(
      () =>
        void new nn.Sequential(new nn.Linear(3, 3), new nn.Conv1d(2, 2, 1), new nn.Embedding(3, 2, { paddingIdx: 0 })),
    );
    expect(countTensors() - before).toBe(5);
  });

  test("forward, backward and zeroGrad leave nothing", () => {
    const net = new Net();
    const update = (): void =>
      scope(() =>
        net
          .forward(ones([2, 4]))
          .sum()
          .backward(),
      );
    update();
    net.zeroGrad();
    const before = countTensors();
    for (let i = 0; i < 5; i++) update();
    net.zeroGrad();
    expect(countTensors()).toBe(before);
  });
});

test("a buffer needs a property name", () => {
  expect(() => new nn.Identity().registerBuffer("a.b", null)).toThrow('got "a.b"');
});

test("a parameter says what it is", () => {
  expect(String(new nn.Parameter(tensor([1])))).toBe("Parameter containing:\ntensor([1.], requires_grad=True)");
});

describe("members by name", () => {
  class Plain extends nn.Module {
    gain?: nn.Parameter;
    readonly width = 3;
    forward(): void {}
  }

  test("registerParameter and addModule are assignments with checks", () => {
    const plain = new Plain();
    const gain = plain.registerParameter("gain", new nn.Parameter(ones([2])));
    plain.registerParameter("offset", null);
    const layer = plain.addModule("outputLayer", new nn.Linear(1, 1));
    expect([plain.gain, plain.getParameter("gain"), plain.getSubmodule("output_layer")]).toEqual([gain, gain, layer]);
    expect(plain.getParameter("output_layer.weight")).toBe(layer.weight);
    expect(() => plain.registerParameter("width", gain)).toThrow(
      'expected a property of Plain that is free, got "width", which holds 3',
    );
    expect(() => plain.registerParameter("a.b", gain)).toThrow("expected a property name without dots");
    expect(() => plain.registerParameter("gain", ones([2]) as nn.Parameter)).toThrow("expected a parameter or null");
    expect(() => plain.addModule("forward", new nn.Linear(1, 1))).toThrow('got "forward"');
  });

  test("getParameter and getBuffer name what is there", () => {
    const net = new nn.Sequential(new nn.Linear(1, 1), new nn.Linear(1, 1, { bias: false }));
    expect(() => net.getParameter("1.bias")).toThrow(
      'getParameter("1.bias"): expected a parameter of Linear (weight), got "bias"',
    );
    expect(() => net.getBuffer("1.weight")).toThrow("expected a buffer of Linear (it has none)");
    const norm = new nn.BatchNorm1d(2);
    expect(norm.getBuffer("running_mean")).toBe(norm.runningMean);
  });

  test("setSubmodule replaces a child, or adds one unless strict", () => {
    const net = new Net();
    const linear = new nn.Linear(4, 12, { bias: false });
    net.setSubmodule("blocks.0.qkv_proj", linear);
    expect(net.blocks.at(0).qkvProj).toBe(linear);
    net.setSubmodule("heads.wallShear", linear);
    expect(net.heads.get("wallShear")).toBe(linear);
    expect(() => net.setSubmodule("blocks.0.other", linear, { strict: true })).toThrow('got "other"');
    expect(() => net.setSubmodule("nowhere.0", linear)).toThrow('got "nowhere"');
  });

  test("recurse and removeDuplicate choose what is listed", () => {
    const pair = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 2));
    (pair[1] as nn.Linear).weight = (pair[0] as nn.Linear).weight;
    expect(pair.namedParameters("", { removeDuplicate: false }).map(([name]) => name)).toEqual([
      "0.weight",
      "0.bias",
      "1.weight",
      "1.bias",
    ]);
    expect(pair.parameters({ recurse: false })).toEqual([]);
    expect(new nn.BatchNorm1d(1).buffers({ recurse: false })).toHaveLength(3);
    const shared = new nn.Linear(1, 1);
    const twice = new nn.Sequential(shared, shared);
    expect(twice.namedModules("", { removeDuplicate: false }).map(([name]) => name)).toEqual(["", "0", "1"]);
    expect(() => pair.parameters({ recursive: false } as object)).toThrow('did you mean "recurse"?');
  });

  test("toEmpty gives memory on another device", () => {
    const linear = new nn.Linear(2, 2, { device: "meta" }).toEmpty({ device: "cpu" });
    expect([linear.weight.device, linear.weight.shape]).toEqual(["cpu", [2, 2]]);
    expect(() => linear.toEmpty({} as { device: string })).toThrow("expected { device }, got none");
  });
});
