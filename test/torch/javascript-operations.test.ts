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
    ["Array.from(x)", () => Array.from(x), "write x.size(0)"],
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
  const held: [string, unknown][] = [
    ["a tensor", x],
    ["a tensor in an object", { batch: [x] }],
    ["a module", new nn.Linear(1, 1)],
    ["an optimizer", new optim.SGD([new nn.Parameter(ones([1]))])],
  ];

  test.each(held)("JSON.stringify of %s is refused and says how to get the values", (_, value) => {
    expect(() => JSON.stringify(value)).toThrow(
      /JSON\.stringify.*: a tensor is not plain data: .*x\.toArray\(\) gives its values/,
    );
  });

  test.each(held.slice(0, 3))("structuredClone and serialize of %s are refused with the advice", (_, value) => {
    expect(() => structuredClone(value)).toThrow("shareTensor(x) hands it to a worker");
    expect(() => serialize(value)).toThrow("shareTensor(x) hands it to a worker");
  });

  test("the place of the tensor is named", () => {
    expect(() => JSON.stringify({ loss: x })).toThrow('JSON.stringify at "loss": a tensor is not plain data');
  });

  test("a replacer may write something else for a tensor", () => {
    const values = (_: string, value: unknown): unknown => (value === x ? x.toArray() : value);
    expect(JSON.stringify({ loss: x }, values)).toBe('{"loss":[1,2,3]}');
  });

  test("generators are no plain data either", () => {
    expect(() => JSON.stringify(new Generator())).toThrow("a generator is not plain data: getState() gives its state");
    expect(() => structuredClone(new Generator())).toThrow("getState() gives its state as a tensor");
  });
});

test("printing shows values, also of a tensor that is gone", () => {
  const gone = ones([1]);
  gone.dispose();
  expect(inspect({ x, gone })).toBe("{ x: tensor([1., 2., 3.]), gone: tensor(<disposed>) }");
});
