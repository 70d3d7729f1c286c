/** What JavaScript's own operations make of a tensor: an error that says what to write, never a wrong value in silence. */
import { inspect } from "node:util";
import { serialize } from "node:v8";
import { Generator, nn, ones, optim, tensor, type Tensor } from "../../lib/torch";

const x = tensor([1, 2, 3]) as any;

const scalar = tensor(3) as any;
const other = ones([3]) as any;

describe.each([
  ["several elements", x],
  ["one element", scalar],
])("a tensor of %s", (_, operand) => {
  test.each<[string, () => unknown]>([
    ["x * 2", () => operand * 2],
    ["2 - x", () => 2 - operand],
    ["x ** 2", () => operand ** 2],
    ["-x", () => -operand],
    ["+x", () => +operand],
    ["x > 1", () => operand > 1],
    ["x + 1", () => operand + 1],
    ["x + y", () => operand + other],
    ["text + x", () => "loss " + operand],
    // eslint-disable-next-line eqeqeq -- the mistake
    ["x == 1", () => operand == 1],
    ["Math.sqrt(x)", () => Math.sqrt(operand)],
    ["Number(x)", () => Number(operand)],
    ["isNaN(x)", () => isNaN(operand)],
  ])("%s is refused and names the methods", (_, operation) => {
    expect(operation).toThrow(TypeError);
    expect(operation).toThrow(
      /x\.add\(1\), .*x\.mul\(2\), .*x\.gt\(1\).*x\.item\(\) is the number of a tensor of one element/,
    );
  });

  test("a template takes its text", () => {
    expect(`${operand}`).toBe(String(operand));
    expect([operand].join()).toBe(String(operand));
  });
});

describe("subscripts and other libraries' names", () => {
  test.each<[string, () => unknown, string]>([
    ["x[0]", () => x[0], "x[0]: tensors have no such property; write x.index(0)"],
    ["x[1000]", () => x[1000], "write x.index(1000)"],
    ["x[-1]", () => x[-1], "write x.index(-1)"],
    ["x[0] = 5", () => (x[0] = 5), "write x.indexPut_([0], value)"],
    ["x.length", () => x.length, "write x.size(0) for the length of the first dimension, x.numel()"],
    ["x.requires_grad", () => x.requires_grad, "write x.requiresGrad"],
    ["x.requires_grad = true", () => (x.requires_grad = true), "write x.requiresGrad"],
    ["x.index_select(…)", () => x.index_select(0, x), "write x.indexSelect"],
    ["a parameter's", () => (new nn.Parameter(ones([1])) as unknown as number[])[0], "write x.index(0)"],
  ])("%s", (_, operation, message) => {
    expect(operation).toThrow(TypeError);
    expect(operation).toThrow(message);
  });

  test("names of one's own are free, and unknown ones are undefined as ever", () => {
    const own = ones([1]) as Tensor & { noDecay?: boolean };
    own.noDecay = true;
    expect(own.noDecay).toBe(true);
    expect(x.then).toBeUndefined();
    expect(x.notHere).toBeUndefined();
    expect(x.not_here).toBeUndefined();
  });
});

describe("copies as plain data", () => {
  test("JSON.stringify writes the values of tensors", () => {
    const given = {
      x,
      matrix: tensor([[true], [false]]),
      count: tensor(3n),
      z: tensor({ re: 1, im: -2 }),
      none: ones([0]),
    };
    expect(JSON.stringify(given)).toBe(
      '{"x":[1,2,3],"matrix":[[true],[false]],"count":3,"z":{"re":1,"im":-2},"none":[]}',
    );
  });

  test.each([
    ["NaN", tensor([1, NaN])],
    ["-Infinity", tensor([{ re: 1, im: -Infinity }])],
    ["9007199254740993", tensor([2n ** 53n + 1n])],
  ])("JSON.stringify refuses %s, which JSON would change, with its place", (text, value) => {
    expect(() => JSON.stringify({ loss: value })).toThrow(
      `JSON.stringify at "loss": expected numbers that JSON can hold, got ${text}`,
    );
  });

  test("JSON.stringify of modules and optimizers says how to write them", () => {
    expect(() => JSON.stringify({ model: new nn.Linear(1, 1) })).toThrow(
      'JSON.stringify at "model": a module is not plain data: deepcopy(module) copies it, save(module.stateDict(), path) writes its weights',
    );
    expect(() => JSON.stringify(new optim.SGD([new nn.Parameter(ones([1]))]))).toThrow(
      "an optimizer is not plain data: save(optimizer.stateDict(), path) writes its state",
    );
  });

  test.each([
    ["a tensor", x, "shareTensor(x) hands it to a worker"],
    ["a tensor in an object", { batch: [x] }, "shareTensor(x) hands it to a worker"],
    ["a module", new nn.ReLU(), "deepcopy(module) copies it"],
  ])("structuredClone and serialize of %s are refused with the advice", (_, value, advice) => {
    expect(() => structuredClone(value)).toThrow(advice);
    expect(() => serialize(value)).toThrow(advice);
  });

  test("generators are no plain data either", () => {
    expect(() => JSON.stringify(new Generator())).toThrow("a generator is not plain data: getState() gives its state");
    expect(() => structuredClone(new Generator())).toThrow("getState() gives its state as a tensor");
  });
});

describe("iteration", () => {
  test("goes over the first dimension, with views", () => {
    const matrix = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect([...matrix].map((row) => row.toArray())).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const [, second] = matrix;
    second!.zero_();
    expect(matrix.toArray()).toEqual([
      [1, 2],
      [0, 0],
    ]);
    expect([...ones([0, 3])]).toEqual([]);
  });

  test("has gradients", () => {
    const x = ones([3]).requiresGrad_();
    let product = tensor(1);
    for (const [i, entry] of [...x].entries()) product = product.mul(entry).mul(i + 1);
    product.backward();
    expect(x.grad!.toArray()).toEqual([6, 6, 6]);
  });

  test("of a tensor without dimensions is refused, as in PyTorch", () => {
    expect(() => [...tensor(1)]).toThrow("iteration: expected a tensor with a dimension");
  });

  test("is not what takes lists of parameters", () => {
    const weight = new nn.Parameter(ones([2, 2]));
    expect(() => new optim.SGD(weight)).toThrow(
      "expected parameters, such as model.parameters(), or groups of them, got Tensor",
    );
    expect(() => nn.utils.parametersToVector(weight)).toThrow(
      "expected tensors, such as model.parameters(), got Tensor",
    );
  });

  test("does not change how tensors compare", () => {
    expect(ones([2])).toEqual(ones([2]));
    expect(ones([2])).not.toEqual([ones([]), ones([])]);
    expect(ones([2])).not.toEqual(ones([2, 1]));
  });
});

test("printing shows values, also of a tensor that is gone", () => {
  const gone = ones([1]);
  gone.dispose();
  expect(inspect({ x, gone })).toBe("{ x: tensor([1., 2., 3.]), gone: tensor(<disposed>) }");
});
