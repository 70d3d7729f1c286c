/** TorchScript files that PyTorch wrote (fixtures/generate.py), against what it computes with them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { jit, load, nn, noGrad, ones, optim, scope, save, type Tensor, tensor } from "../../../lib/torch";
import { countTensors } from "../../../lib/torch/memory";
import { temporaryFolder } from "../../support/temporary-folder";

const fixtures = join(__dirname, "fixtures");
const at = (name: string): string => join(fixtures, name);
const expected = JSON.parse(readFileSync(at("expected.json"), "utf8")) as {
  input: number[][];
  output: number[][];
  gradient: number[][];
  state: Record<string, number[]>;
  parameters: string[];
};
const folder = temporaryFolder();
const model = (name = "scripted"): jit.ScriptModule => jit.load(at(`${name}.torchscript`));
const values = model("values");
const close = (actual: unknown, wanted: number[][]): void => {
  (actual as number[][]).forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(wanted[i]![j]!, 5)));
  expect((actual as number[][]).length).toBe(wanted.length);
};

test.each(["scripted", "traced", "frozen"])("%s: forward", (name) =>
  close(model(name).forward(tensor(expected.input)).toArray(), expected.output),
);

test("loaded on another thread", async () => {
  const loaded = await jit.loadAsync(at("scripted.torchscript"));
  close(loaded.forward(tensor(expected.input)).toArray(), expected.output);
});

test("parameters, buffers and children have the names of Python; tied weights are one", () => {
  const loaded = model();
  const shapes = Object.fromEntries([...loaded.stateDict()].map(([name, { shape }]) => [name, [...shape]]));
  expect(shapes).toEqual(expected.state);
  expect(loaded.namedParameters().map(([name]) => name)).toEqual(expected.parameters);
  expect(loaded.getSubmodule("tied").parameters()[0]).toBe(loaded.getSubmodule("outHead").parameters()[0]);
  expect(loaded.toString()).toContain("(1): ScriptModule(original_name=BatchNorm1d)");
  expect([loaded.originalName, [...loaded.methods]]).toEqual([
    "Mlp",
    [["forward", "forward(__torch__.Mlp self, Tensor x) -> Tensor"]],
  ]);
});

test("it trains: gradients, an optimizer", () => {
  const loaded = model().eval();
  loaded.forward(tensor(expected.input)).pow(2).sum().backward();
  const weight = loaded.namedParameters().find(([name]) => name === "outHead.weight")![1];
  close(weight.grad!.toArray(), expected.gradient);
  const before = loaded.forward(tensor(expected.input)).pow(2).sum().item();
  new optim.SGD(loaded.parameters(), { lr: 0.001 }).step();
  expect(loaded.forward(tensor(expected.input)).pow(2).sum().item()).toBeLessThan(before as number);
});

test("train and eval reach the code, also from a module that holds it", () => {
  const loaded = model();
  class Holder extends nn.Module {
    inner = loaded;
    forward(x: Tensor): Tensor {
      return this.inner.forward(x) as Tensor;
    }
  }
  const holder = new Holder();
  const x = tensor(expected.input);
  expect([loaded.training, loaded.getSubmodule("layers.1").training]).toEqual([false, false]);
  holder.train();
  expect([loaded.training, loaded.getSubmodule("layers.1").training]).toEqual([true, true]);
  const statistics = loaded.stateDict().get("layers.1.running_mean")!.clone();
  holder.forward(x); // batch statistics, and dropout
  expect(loaded.stateDict().get("layers.1.running_mean")!.equal(statistics)).toBe(false);
  expect([...holder.stateDict().keys()][0]).toBe("inner.theScale");
  holder.eval();
  expect(loaded.training).toBe(false);
});

test("to() and loadStateDict reach the code", () => {
  const loaded = model();
  expect(loaded.double().forward(tensor(expected.input, { dtype: "float64" })).dtype).toBe("float64");
  const state = new Map([...model().stateDict()].map(([name, value]) => [name, value.mul(0)]));
  loaded.loadStateDict(state);
  const out = loaded.forward(tensor(expected.input, { dtype: "float64" })) as Tensor;
  expect(out.abs().sum().item()).toBe(0);
});

test("what is saved is loaded again, with its new weights", () => {
  const loaded = model();
  noGrad(() => loaded.stateDict().get("outHead.weight")!.mul_(2));
  const path = folder.at("saved.pt");
  loaded.save(path);
  const again = jit.load(path);
  const x = tensor(expected.input);
  expect(again.forward(x).equal(loaded.forward(x))).toBe(true);
  expect(() => loaded.save(folder.at("no/folder.pt"))).toThrow("expected an existing folder");
});

test("every kind of value, both ways", () => {
  expect(values.call("scalars", [1, 2, true, "x"])).toEqual([2, 4, false, "x!"]);
  expect(values.call("maybe")).toBeNull();
  expect((values.call("maybe", [ones([2])], { scale: 3 }) as Tensor).toArray()).toEqual([3, 3]);
  expect((values.call("keyword", [tensor([2, 3])], { power: 3 }) as Tensor).toArray()).toEqual([8, 27]);
  const [list, sum, total] = values.call("lists", [[ones([1])], [1, 2], [[0.5], [1, 2]]]) as [Tensor[], number, number];
  expect([list[0]!.toArray(), sum, total]).toEqual([[2], 3, 3.5]);
  expect(values.call("lists", [[], [], []])).toEqual([[], 0, 0]);
  const counts = new Map([[1, "z"]]);
  const dict = values.call("dicts", [{ a: ones([1]) }, counts]) as Map<string, Tensor>;
  expect([...dict].map(([key, value]) => [key, value.toArray()])).toEqual([["az", [1]]]);
  const point = values.call("pair", [[ones([2]), 3]]) as { position: Tensor; label: string };
  expect([point.position.toArray(), point.label]).toEqual([[3, 3], "scaled"]);
  expect(values.call("named", [{ position: ones([4]), label: "p" }])).toBe("p4");
  expect(values.call("named", [[ones([4]), "q"]])).toBe("q4");
  expect([1, "s"].map((each) => values.call("either", [each]))).toEqual(["int", "str"]);
  const kinds = [1, 1.5, [1, 2], { a: 1.5 }, ones([1]), null, [1, "a"]];
  expect(kinds.map((each) => values.call("anything", [each]))).toEqual([
    "int", "float", "List[int]", "Dict[str, float]", "Tensor", "other", "other",
  ]); // prettier-ignore
  expect(values.call("numbers", [{ re: 1, im: 2 }, 2n ** 62n])).toEqual([{ re: 2, im: 4 }, 2n ** 62n]);
  expect(values.call("where", ["cpu"])).toBe("cpu");
  expect(["table", "names", "size"].map((name) => values.attribute(name))).toEqual([
    new Map([["half", 0.5]]),
    ["a", "b"],
    7,
  ]);
});

const cyclic: unknown[] = [];
cyclic.push(cyclic);

test.each<[string, () => unknown, RegExp]>([
  [
    "a number that is no integer",
    () => values.call("scalars", [1.5, 2, true, "x"]),
    /expected an integer for i, got 1.5/,
  ],
  ["an integer that is too large", () => values.call("scalars", [2n ** 64n, 2, true, "x"]), /expected int for i/],
  ["too few", () => values.call("scalars", [1]), /missing value for argument 'f'/],
  ["too many", () => values.forward(ones([1]), 2), /expected at most 1 input, got 2: forward\(/],
  ["the wrong kind", () => values.forward(1), /expected Tensor for x, got the number 1/],
  ["the wrong kind within", () => values.call("lists", [[1], [], []]), /expected Tensor for xs\[0\], got the number 1/],
  ["no list", () => values.call("lists", ["x", [], []]), /expected List\[Tensor\] for xs/],
  ["a key of the wrong kind", () => values.call("dicts", [{}, { 1: "z" }]), /a key of counts/],
  [
    "a name that it has not",
    () => values.call("keyword", [ones([1])], { pow: 2 }),
    /expected names of inputs, got pow/,
  ],
  ["a method that it has not", () => values.call("nope"), /expected a method of the module \(forward, .*\), got nope/],
  ["an attribute that it has not", () => values.attribute("nope"), /expected an attribute/],
  ["a device that is none", () => values.call("where", ["nonsense"]), /expected a device/],
  ["a function", () => values.call("anything", [() => 1] as never), /expected a value of TorchScript for inputs\[0\]/],
  ["what has no end", () => values.call("anything", [cyclic] as never), /at most 100 levels/],
  ["a tuple of another length", () => values.call("pair", [[1]]), /expected 2 entries for pair, got 1/],
  ["what the code itself throws", () => values.call("fails", [ones([3])]), /expected two numbers/],
])("%s is an error", (_, call, message) => expect(call).toThrow(message));

test("a tensor that was disposed is an error, and the module goes on", () => {
  const gone = ones([1]);
  gone.dispose();
  expect(() => values.forward(gone)).toThrow("disposed");
  expect((values.forward(ones([1])) as Tensor).toArray()).toEqual([1]);
});

test("results belong to the scope", () => {
  const x = ones([1]);
  const before = countTensors();
  scope(() => values.call("lists", [[x, x], [], []]) && undefined);
  expect(countTensors()).toBe(before);
});

test.each([
  ["weights.pt", /weights without code \(torch.save\): read them with torch.load/],
  ["exported.pt2", /a \.pt2 file: read a program of torch\.export with torch\.export\.load/],
  ["generate.py", /expected a TorchScript file, written by torch.jit.save, got a file of an unknown format/],
  ["missing", /expected to read .*missing, got: No such file/],
])("%s is refused", (name, message) => expect(() => jit.load(at(name))).toThrow(message));

test("torch.load says who reads TorchScript", () =>
  expect(() => load(at("scripted.torchscript"))).toThrow("read it with torch.jit.load"));

test("wrong paths and options", () => {
  save({ a: ones([1]) }, folder.at("plain.pt"));
  expect(() => jit.load(folder.at("plain.pt"))).toThrow("weights without code");
  expect(() => jit.load("")).toThrow("expected a path");
  expect(() => jit.load(at("values.torchscript"), { device: "nonsense" })).toThrow("expected a device");
  expect(() => jit.load(at("values.torchscript"), { devices: "cpu" } as never)).toThrow("devices");
});
