import * as torch from "../../lib/torch";
import { Generator, nn, ones, optim, tensor, zeros, type Tensor } from "../../lib/torch";
import { nearestOption } from "../../lib/torch/nearest-option";

const F = nn.functional;
/** Calls as JavaScript lets them through. */

const any = torch as any;

const anyNn = nn as any;

const anyOptim = optim as any;

const v = tensor([1, 2, 3]);
const m = tensor([[1, 2], [3, 4]]); // prettier-ignore
const parameters = (): nn.Parameter[] => [new nn.Parameter(ones([2]))];

type Slip = [what: string, body: () => unknown, message: string | RegExp];

function refuses(slips: readonly Slip[]): void {
  test.each(slips)("%s", (_, body, message) => {
    expect(body).toThrow(message);
  });
}

describe("operators refuse", () => {
  refuses([
    ["an argument too many", () => any.relu6(v, true), "The argument true is one too many"],
    ["an argument too many for a method", () => (v as any).relu(undefined, 1), "got (Tensor, undefined, 1)"],
    ["a second dimension that would be lost", () => (m as any).squeeze(0, 1), "squeeze: expected arguments"],
    ["sizes one by one", () => any.zeros(2, 3), "write one array: [2, 3]"],
    ["a dtype for the options", () => any.zeros([2], "float64"), 'options are one object, last: { dtype: "float64" }'],
    [
      "a misspelt option",
      () => any.zeros([2], { dtyp: "float64" }),
      'zeros: unknown option "dtyp", did you mean "dtype"?',
    ],
    ["numpy's names", () => any.sum(m, { axis: 0 }), 'unknown option "axis", did you mean "dim"?'],
    ["numpy's names of flags", () => any.sum(m, [0], { keepdims: true }), 'did you mean "keepdim"?'],
    [
      "a misspelt dtype",
      () => any.zeros([2], { dtype: "flaot32" }),
      /zeros: expected a dtype \(.*float32.*\).*got "flaot32"; did you mean "float32"\?/,
    ],
    ["a seed as an option", () => any.rand([2], { seed: 1 }), 'rand: unknown option "seed"'],
    ["a fraction for a length", () => zeros([2.5]), "Expected an array of integers for size, got [2.5]"],
    ["no size", () => any.zeros(), "Expected an array of integers for size, got none"],
    ["a tensor for a list of tensors", () => any.cat(m, m), "Expected an array of tensors for tensors, got Tensor"],
  ]);

  test("an unknown dtype is one sentence", () => {
    expect(() => any.zeros([2], { dtype: "float65" })).toThrow(/^zeros: expected a dtype [^\n]*$/);
  });
});

describe("factories refuse", () => {
  refuses([
    [
      "a dtype for the options",
      () => any.tensor([1], "float64"),
      'tensor: expected options, { dtype, device, requiresGrad }, got "float64"; for example { dtype: "float64" }',
    ],
    [
      "a misspelt option",
      () => any.tensor([1], { requires_grad: true }),
      'tensor: unknown option "requires_grad", did you mean "requiresGrad"?',
    ],
    ["a number for a flag", () => any.tensor([1], { requiresGrad: 1 }), "expected a boolean for requiresGrad, got 1"],
    ["a dtype for the device", () => any.tensor([1], { device: "float64" }), 'which is a dtype: { dtype: "float64" }'],
    ["an argument too many", () => any.tensor([1], {}, 2), "tensor: expected no further argument, got 2"],
    [
      "a string for a bound",
      () => any.arange("5"),
      'arange: expected (end), (start, end) or (start, end, step) as numbers, then options, got "5"',
    ],
    ["too many bounds", () => any.arange(0, 5, 1, 2), "arange: expected no further argument, got 2"],
    ["a misspelt option of arange", () => any.arange(5, { dtpe: "int64" }), 'did you mean "dtype"?'],
    ["a dtype for the options of full", () => any.full([2], 1, "float64"), "full: expected options"],
    [
      "a gradient for asTensor",
      () => any.asTensor([1], { requiresGrad: true }),
      'asTensor: unknown option "requiresGrad"',
    ],
    [
      "a device for shared memory",
      () => any.fromBuffer(new Float32Array(2), [2], { device: "cuda" }),
      'fromBuffer: unknown option "device"',
    ],
    [
      "a number for a shape",
      () => any.fromTypedArray(new Float32Array(2), 2),
      "expected an array of an integer of at least 0 for shape, got 2",
    ],
    ["a fraction for a seed", () => torch.manualSeed(1.5), "manualSeed: expected an integer for seed, got 1.5"],
    ["a text for a seed", () => any.manualSeed("1"), 'manualSeed: expected an integer for seed, got "1"'],
    [
      "no seed for a generator",
      () => (new Generator() as any).manualSeed(),
      "Generator.manualSeed: expected an integer for seed, got undefined",
    ],
    [
      "a print option that there is not",
      () => any.setPrintOptions({ digits: 3 }),
      'setPrintOptions: unknown option "digits"',
    ],
    ["a misspelt option of unique", () => any.unique(v, { counts: true }), 'unique: unknown option "counts"'],
    ["operands first", () => any.einsum(v, "i->"), "einsum: expected a string for equation, got Tensor"],
  ]);
});

describe("functions that run a function refuse to run without one", () => {
  refuses([
    ["noGrad", () => any.noGrad(), "noGrad: expected a function to run, noGrad(() => …), got none"],
    ["enableGrad", () => any.enableGrad(v), "enableGrad: expected a function to run, enableGrad(() => …), got Tensor"],
    ["inferenceMode", () => any.inferenceMode(true), "inferenceMode: expected a function to run"],
    ["scope", () => any.scope(), "scope: expected a function to run, scope(() => …), got none"],
    [
      "autocast",
      () => any.autocast(() => 1),
      "autocast: expected options first, autocast({ deviceType, dtype }, () => …), got a function",
    ],
    [
      "autocast with a misspelt option",
      () => any.autocast({ dtyp: "bfloat16" }, () => 1),
      'autocast: unknown option "dtyp", did you mean "dtype"?',
    ],
    ["setGradEnabled", () => any.setGradEnabled(0, () => 1), "setGradEnabled: expected a boolean for enabled, got 0"],
    ["gradcheck", () => any.gradcheck(1, []), "gradcheck: expected a function for body, got 1"],
    ["expectNoLeaks", () => any.expectNoLeaks(), "expectNoLeaks: expected a function for body, got undefined"],
  ]);
});

describe("tensors refuse", () => {
  const leaf = (): Tensor => ones([1], { requiresGrad: true });
  refuses([
    [
      "options in the place of the gradient",
      () => (leaf() as any).backward({ retainGraph: true }),
      "backward: expected the gradient first and options second",
    ],
    [
      "a misspelt option of backward",
      () => leaf().backward(null, { retain_graph: true } as object),
      'did you mean "retainGraph"?',
    ],
    [
      "a number for a gradient",
      () => (leaf() as any).backward(1),
      "backward: expected a tensor or an array of a tensor or null or null for gradient, got 1",
    ],
    [
      "a misspelt option of to",
      () => (v as any).to({ dtyp: "int32" }),
      'to: unknown option "dtyp", did you mean "dtype"?',
    ],
    ["a misspelt dtype in to", () => (v as any).to("float33"), 'got "float33"; did you mean "float32"?'],
    [
      "something else for a hook",
      () => (leaf() as any).registerHook(3),
      "registerHook: expected a function for hook, got 3",
    ],
    [
      "a number for requiresGrad",
      () => void ((leaf() as any).requiresGrad = 1),
      "requiresGrad: expected a boolean for the value, got 1",
    ],
    ["a number for grad", () => void ((leaf() as any).grad = 1), "grad: expected a tensor or null, got 1"],
    ["a dimension that there is not", () => v.stride(3), "stride: expected a dimension in [-1, 0], got 3"],
    ["a bare index for indexPut_", () => (v as any).indexPut_(0, 5), "indexPut_: expected an array of indices first"],
  ]);
});

describe("modules refuse", () => {
  refuses([
    [
      "a positional bias",
      () => new anyNn.Linear(3, 4, false),
      "Linear: expected options, { bias, device, dtype }, got false; for example { bias: false }",
    ],
    [
      "a missing size",
      () => new anyNn.Linear(3),
      "Linear: expected an integer of at least 0 for outFeatures, got undefined",
    ],
    ["a negative size", () => new nn.Linear(-3, 4), "Linear: expected an integer of at least 0 for inFeatures, got -3"],
    ["NaN for a size", () => new nn.Linear(NaN, 4), "expected an integer of at least 0 for inFeatures, got NaN"],
    ["a text for a size", () => new anyNn.Linear("3", 4), 'for inFeatures, got "3"'],
    ["an argument too many", () => new anyNn.Linear(3, 4, {}, 5), "Linear: expected no further argument, got 5"],
    [
      "an option that there is not",
      () => new anyNn.Conv2d(3, 4, 3, { pad: 1 }),
      'Conv2d: unknown option "pad", did you mean "padding"?',
    ],
    [
      "a positional stride",
      () => new anyNn.Conv2d(3, 4, 3, 2),
      "Conv2d: expected options, { stride, padding, dilation, groups, bias, paddingMode, device, dtype }, got 2; for example { stride: 2 }",
    ],
    ["a stride of 0", () => new anyNn.Conv1d(3, 4, 3, { stride: 0 }), "for stride, got 0"],
    [
      "a padding mode that there is not",
      () => new anyNn.Conv2d(3, 4, 3, { paddingMode: "zero" }),
      'did you mean "zeros"?',
    ],
    [
      "Python's spelling",
      () => new anyNn.LayerNorm(4, { elementwise_affine: false }),
      'did you mean "elementwiseAffine"?',
    ],
    [
      "a positional eps",
      () => new anyNn.LayerNorm(4, 1e-6),
      "LayerNorm: expected options, { eps, elementwiseAffine, bias, device, dtype }, got 0.000001; for example { eps: 0.000001 }",
    ],
    [
      "an option of a batch norm that there is not",
      () => new anyNn.BatchNorm1d(4, { momentun: 0.2 }),
      'BatchNorm1d: unknown option "momentun", did you mean "momentum"?',
    ],
    ["options of an activation without any", () => new anyNn.Tanh({ inplace: true }), 'Tanh: unknown option "inplace"'],
    [
      "a positional slope",
      () => new anyNn.LeakyReLU(0.2),
      "LeakyReLU: expected options, { negativeSlope, inplace }, got 0.2; for example { negativeSlope: 0.2 }",
    ],
    ["no dimension of a softmax", () => new anyNn.Softmax(), "Softmax: expected an integer for dim, got undefined"],
    ["an approximation that there is not", () => new anyNn.GELU({ approximate: "tahn" }), 'did you mean "tanh"?'],
    [
      "a positional flag of a dropout",
      () => new anyNn.Dropout(0.1, true),
      "Dropout: expected options, { inplace }, got true; for example { inplace: true }",
    ],
    [
      "an embedding's typo",
      () => new anyNn.Embedding(4, 2, { padding_index: 0 }),
      'Embedding: unknown option "padding_index", did you mean "paddingIdx"?',
    ],
    [
      "an array in a Sequential",
      () => new anyNn.Sequential([new nn.ReLU()]),
      "Sequential: expected modules, got an array: spread it, new Sequential(...list)",
    ],
    [
      "modules one by one in a list",
      () => new anyNn.ModuleList(new nn.ReLU(), new nn.ReLU()),
      "ModuleList: expected an array of modules, got ReLU",
    ],
    [
      "functions in a list",
      () => new anyNn.ModuleList([torch.relu]),
      "ModuleList: expected modules, got the function relu",
    ],
    [
      "an array for a parameter",
      () => new anyNn.Parameter([1, 2]),
      "Parameter: expected a tensor for data, got [1, 2]",
    ],
    [
      "a second input",
      () => new anyNn.Linear(3, 4).forward(v, v),
      "Linear.forward: expected no further argument, got Tensor",
    ],
    ["a number for a mode", () => (new nn.ReLU() as any).train(0), "train: expected a boolean for mode, got 0"],
    [
      "a positional flag of a buffer",
      () => (new nn.ReLU() as any).registerBuffer("x", v, false),
      "registerBuffer: expected options, { persistent }, got false; for example { persistent: false }",
    ],
    [
      "a list for a state dict",
      () => (new nn.ReLU() as any).loadStateDict([]),
      "loadStateDict: expected a state dict, a map of tensors by name, got []",
    ],
    [
      "a positional strict",
      () => (new nn.ReLU() as any).loadStateDict({}, false),
      "loadStateDict: expected options, { strict, assign }, got false; for example { strict: false }",
    ],
    ["a misspelt dtype in to", () => (new nn.ReLU() as any).to("flaot64"), 'got "flaot64"; did you mean "float64"?'],
    ["nothing for to", () => (new nn.ReLU() as any).to(), "ReLU.to: expected a dtype, a device or both, got none"],
    [
      "something else for a hook",
      () => (new nn.ReLU() as any).registerForwardHook(1),
      "registerForwardHook: expected a function for hook, got 1",
    ],
  ]);

  test("to takes the short names of dtypes", () => {
    const layer = new nn.Linear(1, 1).to("double" as "float64");
    expect(layer.weight.dtype).toBe("float64");
  });

  test("an identity takes any arguments, as in PyTorch", () => {
    expect(() => new nn.Identity(3, { a: 1 })).not.toThrow();
  });
});

describe("functional forms refuse", () => {
  refuses([
    [
      "a positional reduction",
      () => (F as any).mseLoss(v, v, "sum"),
      'mseLoss: expected options, { reduction, weight }, got "sum"; for example { reduction: "sum" }',
    ],
    [
      "a loss's typo",
      () => (F as any).crossEntropy(m, m, { ignore: 1 }),
      'crossEntropy: unknown option "ignore", did you mean "ignoreIndex"?',
    ],
    ["a number for a target", () => (F as any).mseLoss(v, 1), "mseLoss: expected a tensor for target, got 1"],
    [
      "a weight where there is none",
      () => (F as any).smoothL1Loss(v, v, { weight: v }),
      'smoothL1Loss: unknown option "weight"',
    ],
    [
      "a weight of another shape",
      () => F.mseLoss(v, v, { weight: ones([2]) }),
      "mseLoss: expected a weight of the input's shape [3], got [2]",
    ],
    [
      "Python's order of an embedding",
      () => (F as any).embedding(tensor([1n]), m, 1),
      "embedding: expected options, { paddingIdx, maxNorm, normType, scaleGradByFreq }, got 1; for example { paddingIdx: 1 }",
    ],
    [
      "a sparse gradient",
      () => (F as any).embedding(tensor([1n]), m, { sparse: true }),
      'embedding: unknown option "sparse"',
    ],
    [
      "a padding index beyond the rows",
      () => F.embedding(tensor([1n]), m, { paddingIdx: 2 }),
      "embedding: expected paddingIdx within the 2 rows of weight, got 2",
    ],
    [
      "an interpolation's typo",
      () => (F as any).interpolate(ones([1, 1, 4]), { size: 2, align: true }),
      'interpolate: unknown option "align", did you mean "alignCorners"?',
    ],
    [
      "corners that nothing aligns",
      () => F.interpolate(ones([1, 1, 4]), { size: 2, alignCorners: true }),
      'expected alignCorners with a mode that interpolates, got it with "nearest"',
    ],
    [
      "a number for inplace",
      () => (F as any).dropout(v, 0.1, true, 1),
      "dropout: expected a boolean for inplace, got 1",
    ],
    [
      "a padding mode that there is not",
      () => (F as any).pad(v, [1, 1], "mirror"),
      'pad: expected "constant", "reflect", "replicate" or "circular" for mode, got "mirror"',
    ],
    [
      "a misspelled option of normalize",
      () => (F as any).normalize(v, { dims: 0 }),
      'normalize: unknown option "dims", did you mean "dim"?',
    ],
    [
      "an argument of normalize twice",
      () => (F as any).normalize(v, 2, { p: 1 }),
      "normalize: expected p once, got it by position and by name",
    ],
    [
      "bounds of hardtanh in the wrong order",
      () => F.hardtanh(v, { minVal: 1, maxVal: -1 }),
      "hardtanh: expected minVal of at most maxVal, got 1 and -1",
    ],
    [
      "a dtype for zeros that its out has not",
      () => (torch as any).zeros([2], { dtype: "float64", out: torch.empty([2]) }),
      "zeros: expected",
    ],
    [
      "a text for training",
      () => (F as any).batchNorm(m, null, null, null, null, "yes"),
      'batchNorm: expected a boolean for training, got "yes"',
    ],
  ]);
});

describe("initial values and helpers refuse", () => {
  const weight = (): Tensor => zeros([2, 2]);
  const { init, utils } = anyNn;
  refuses([
    [
      "a fan that there is not",
      () => init.kaimingUniform_(weight(), 0, "fanin"),
      'kaimingUniform_: expected "fan_in" or "fan_out" for mode, got "fanin"; did you mean "fan_in"?',
    ],
    ["a non-linearity that there is not", () => init.calculateGain("gelu"), "calculateGain: expected"],
    ["options for a bound", () => init.uniform_(weight(), { a: 0 }), "uniform_: expected a number for a, got { a: 0 }"],
    ["a misspelt option", () => init.normal_(weight(), 0, 1, { seed: 1 }), 'normal_: unknown option "seed"'],
    ["no value", () => init.constant_(weight()), "constant_: expected a number for value, got undefined"],
    ["an argument too many", () => init.zeros_(weight(), 1), "zeros_: expected no further argument, got 1"],
    ["something else for a tensor", () => init.zeros_([1]), "zeros_: expected a tensor for tensor, got [1]"],
    [
      "a module for its parameters",
      () => utils.clipGradNorm_(new nn.Linear(1, 1), 1),
      "clipGradNorm_: expected tensors, such as model.parameters(), got Linear",
    ],
    [
      "no norm",
      () => utils.clipGradNorm_(parameters()),
      "clipGradNorm_: expected a number of at least 0 for maxNorm, got undefined",
    ],
    [
      "a positional order",
      () => utils.clipGradNorm_(parameters(), 1, 2),
      "clipGradNorm_: expected options, { normType, errorIfNonfinite }, got 2; for example { normType: 2 }",
    ],
    [
      "NaN for a limit",
      () => utils.clipGradValue_(parameters(), NaN),
      "clipGradValue_: expected a number of at least 0 for clipValue, got NaN",
    ],
  ]);
});

describe("optimizers refuse", () => {
  refuses([
    [
      "a positional rate",
      () => new anyOptim.Adam(parameters(), 0.1),
      /Adam: expected options, \{ lr, .* \}, got 0\.1; for example \{ lr: 0\.1 \}/,
    ],
    [
      "an argument too many",
      () => new anyOptim.SGD(parameters(), {}, 0.9),
      "SGD: expected no further argument, got 0.9",
    ],
    [
      "Python's spelling",
      () => new anyOptim.AdamW(parameters(), { weight_decay: 0.1 }),
      'got "weight_decay"; did you mean "weightDecay"?',
    ],
    [
      "another name",
      () => new anyOptim.SGD(parameters(), { learningRate: 1 }),
      'got "learningRate"; did you mean "lr"?',
    ],
    [
      "a module for its parameters",
      () => new anyOptim.SGD(new nn.Linear(1, 1)),
      "SGD: expected parameters, such as model.parameters(), or groups of them, got Linear",
    ],
    [
      "no parameters",
      () => new anyOptim.Adam(),
      "Adam: expected parameters, such as model.parameters(), or groups of them, got undefined",
    ],
    [
      "Python's spelling in a group",
      () => new optim.SGD([{ params: parameters(), weight_decay: 1 }]),
      'got "weight_decay"; did you mean "weightDecay"?',
    ],
    [
      "a number for a flag",
      () => new anyOptim.SGD(parameters(), { maximize: 1 }),
      "SGD: expected a boolean for maximize, got 1",
    ],
    [
      "one number for two",
      () => new anyOptim.Adam(parameters(), { betas: 0.9 }),
      "Adam: expected an array of 2 numbers for betas, got 0.9",
    ],
    ["NaN", () => new optim.SGD(parameters(), { dampening: NaN }), "SGD: expected a number for dampening, got NaN"],
    [
      "something else for a closure",
      () => (new optim.SGD(parameters()) as any).step(1),
      "SGD.step: expected a function for closure, got 1",
    ],
    [
      "a positional setToNone",
      () => (new optim.SGD(parameters()) as any).zeroGrad(false),
      "zeroGrad: expected options, { setToNone }, got false; for example { setToNone: false }",
    ],
    [
      "parameters for a group",
      () => (new optim.SGD(parameters()) as any).addParamGroup(parameters()),
      "SGD: expected a group, { params, lr, … }",
    ],
  ]);

  test("a group keeps keys of its own, such as a name", () => {
    const optimizer = new optim.SGD([{ params: parameters(), name: "head", lrScale: 2 }]);
    expect(optimizer.paramGroups[0]).toMatchObject({ name: "head", lrScale: 2 });
  });
});

describe("files refuse", () => {
  refuses([
    [
      "a positional device",
      () => any.load("weights.pt", "cuda"),
      'load: expected options, { mapLocation, mmap, verify, memoryLimit, unpackedLimit }, got "cuda"; for example { mapLocation: "cuda" }',
    ],
    [
      "Python's spelling",
      () => any.load("weights.pt", { map_location: "cpu" }),
      'load: unknown option "map_location", did you mean "mapLocation"?',
    ],
    [
      "an option of save that there is not",
      () => any.save({}, "weights.pt", { pickle: 2 }),
      'save: unknown option "pickle"',
    ],
    [
      "a flag for options",
      () => any.loadSafetensors("weights.safetensors", true),
      "loadSafetensors: expected options, { device, mmap }, got true",
    ],
    [
      "metadata beside the options",
      () => any.saveSafetensors({}, "weights.safetensors", { meta: {} }),
      'did you mean "metadata"?',
    ],
  ]);
});

describe("modules in the wrong place", () => {
  class Holder extends nn.Module {
    constructor(readonly held: unknown) {
      super();
    }

    forward(x: Tensor): Tensor {
      return x;
    }
  }

  const layers = (): nn.Linear[] => [new nn.Linear(1, 1), new nn.Linear(1, 1)];

  test.each<[string, unknown, string]>([
    [
      "an array of modules",
      layers(),
      "Holder.held: expected modules as properties or in an nn.ModuleList, got an array of them",
    ],
    ["an array of parameters", parameters(), "in an nn.ParameterList, got an array of them"],
    ["a map of modules", new Map([["a", new nn.ReLU()]]), "in an nn.ModuleDict, got a Map of them"],
    ["an object of modules", { a: new nn.Linear(1, 1) }, "in an nn.ModuleDict, got an object of them"],
    ["a set of modules", new Set(layers()), "in an nn.ModuleList, got a Set of them"],
    ["arrays in an array", [[1, 2], layers()], "in an nn.ModuleList, got an array of them"],
  ])("%s is refused at the first use, with the container to use", (_, held, message) => {
    const holder = new Holder(held);
    expect(() => holder.parameters()).toThrow(message);
    expect(() => holder.stateDict()).toThrow(message);
    expect(() => holder.loadStateDict({})).toThrow(message);
    expect(() => holder.to("float64")).toThrow(message);
    expect(() => holder.eval()).toThrow(message);
    expect(() => new nn.Sequential(holder).parameters()).toThrow(message);
  });

  test("modules that are also held in the usual way, tensors and values pass", () => {
    const list = layers();
    class Both extends nn.Module {
      readonly blocks = new nn.ModuleList(list);
      readonly byName = new nn.ModuleDict({ first: list[0]! });
      readonly reversed = [...list].reverse();
      readonly sizes = [1, 2, { a: [3] }];
      readonly tables = [ones([2])];
      readonly #own = layers();

      forward(x: Tensor): Tensor {
        return this.#own[0]!.forward(x);
      }
    }
    expect(new Both().parameters()).toHaveLength(4);
  });
});

describe("nearestOption", () => {
  test.each([
    ["weight_decay", ["lr", "weightDecay"], "weightDecay"],
    ["pad", ["stride", "padding"], "padding"],
    ["dtpye", ["dtype", "device"], "dtype"],
    ["axis", ["dim", "keepdim"], "dim"],
    ["lr", ["momentum"], undefined],
    ["temperature", ["dim", "dtype"], undefined],
  ])("%s among %j: %s", (given, names, expected) => {
    expect(nearestOption(given, names)).toBe(expected);
  });
});

describe("methods refuse arguments that they do not have", () => {
  refuses([
    ["item", () => (tensor(1) as any).item(1), "item: expected no further argument, got 1"],
    ["isContiguous", () => (m as any).isContiguous({ memoryFormat: "channelsLast" }), "isContiguous: expected no further argument"],
    ["parameters", () => (new nn.Linear(1, 1) as any).parameters(false), "parameters: expected options, { recurse }, got false; for example { recurse: false }"],
    ["a second dimension", () => (m as any).size(0, 1), "size: expected no further argument, got 1"],
  ]); // prettier-ignore

  /** All methods that can be called without arguments here, with as many as none takes. */
  const methods = Object.getOwnPropertyNames(torch.Tensor.prototype).filter(
    (name) => typeof Object.getOwnPropertyDescriptor(torch.Tensor.prototype, name)!.value === "function",
  );
  const internal = ["constructor", "native", "readInfo", "toJSON", "toString"];
  test.each(methods.filter((name) => !internal.includes(name)))("%s of a tensor", (name) => {
    const many = ["surplus", "surplus", "surplus", "surplus", "surplus", "surplus"];
    expect(() => (ones([2, 2]) as any)[name](...many)).toThrow();
  });

  const modules = Object.getOwnPropertyNames(nn.Module.prototype);
  const internals = ["emptyCopy", "isWrappedBy", "setMember", "toJSON"];
  const open = [
    "constructor",
    "forward",
    "toString",
    "extraRepr",
    "childrenRepr",
    "members",
    "bufferNames",
    ...internals,
  ];
  test.each(modules.filter((name) => !open.includes(name)))("%s of a module", (name) => {
    const many = ["surplus", "surplus", "surplus", "surplus", "surplus"];
    const module = new nn.Linear(1, 1) as any;
    expect(() => module[name](...many)).toThrow();
  });
});

/** What each class takes where a call without arguments would miss something. */
const MINIMAL: Readonly<Record<string, readonly unknown[]>> = {
  ...Object.fromEntries(["Linear", "Embedding"].map((name) => [name, [3, 4]])),
  ...Object.fromEntries(["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"].map((name) => [name, [2, 3, 3]])),
  ...Object.fromEntries(["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "RMSNorm"].map((name) => [name, [4]])),
  GroupNorm: [2, 4],
  Bilinear: [2, 3, 4],
  ModuleList: [[]],
  ModuleDict: [{}],
  ParameterList: [[]],
  Unflatten: [1, [2, 2]],
  Buffer: [ones([2])],
  Parameter: [ones([2])],
  Softmax: [0],
  LogSoftmax: [0],
  Threshold: [0, 1],
  ...Object.fromEntries(["MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer"].map((name) => [name, [4, 2]])),
  ...Object.fromEntries(["FractionalMaxPool2d", "FractionalMaxPool3d"].map((name) => [name, [2, { outputSize: 2 }]])),
  AdaptiveLogSoftmaxWithLoss: [8, 6, [2]],
  TransformerEncoder: [new nn.TransformerEncoderLayer(4, 2), 1],
  TransformerDecoder: [new nn.TransformerDecoderLayer(4, 2), 1],
}; // prettier-ignore

describe("every class of nn and optim refuses", () => {
  // a subclass of Module calls it as it likes; Identity takes everything, as PyTorch's does
  const classes = Object.entries(anyNn as Record<string, any>).filter(
    ([name, value]) => typeof value === "function" && /^[A-Z]/.test(name) && !["Module", "Identity"].includes(name),
  );
  const argumentsOf = (name: string): readonly unknown[] => {
    const guesses = [MINIMAL[name], [], [2], [2, 3], [2, 3, 3], [1, 0], [[4, 4], [2, 2]]]; // prettier-ignore
    const fits = guesses.find((args) => {
      if (args === undefined) return false;
      try {
        new anyNn[name](...args);
        return true;
      } catch {
        return false;
      }
    });
    if (fits === undefined) throw new Error(`${name}: what does it take?`);
    return fits;
  };
  test("some", () => expect(classes.length).toBeGreaterThan(20));

  test.each(classes)("an unknown option, or an argument too many: nn.%s", (name, Class) => {
    const args = argumentsOf(name);
    expect(() => new Class(...args, { notAnOption: 1 })).toThrow();
    expect(() => new Class(...args, ...Array<string>(9).fill("surplus"))).toThrow();
  });

  const optimizers = Object.entries(anyOptim as Record<string, any>).filter(
    ([, value]) => typeof value === "function" && value.prototype instanceof optim.Optimizer,
  );
  test("some optimizers", () => expect(optimizers.length).toBeGreaterThan(10));
  test.each(optimizers)("an unknown option, or an argument too many: optim.%s", (_, Class) => {
    expect(() => new Class(parameters(), { lr: 0.1, notAnOption: 1 })).toThrow("notAnOption");
    expect(() => new Class(parameters(), { lr: 0.1 }, 1)).toThrow();
    expect(() => new Class(parameters(), 0.1)).toThrow();
  });
});
