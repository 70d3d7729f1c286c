/** Most classes of `torch.nn` on PyTorch's own test inputs: initial values, outputs, buffers and gradients (`fixtures/make_modules.py`). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromTypedArray, grad, loadSafetensors, manualSeed, nn, scope, toMap } from "../../../lib/torch";
import { Tensor } from "../../../lib/torch";

/** Drawn in float32: the logarithms and cosines of normal numbers differ by some last bits from one instruction set to the other. */
const INITIAL_BOUND = 1e-6;

interface TensorKey {
  readonly tensor: string;
  /** Which of the inputs that take a gradient it is. */
  readonly leaf: number | null;
}
type Value = null | boolean | number | string | TensorKey | { readonly float: string } | readonly Value[];
type Values = Readonly<Record<string, Value>>;
interface Case {
  readonly class: string;
  readonly training: boolean;
  /** Constructor arguments that PyTorch has no default for: by position here, the others by name. */
  readonly required: readonly string[];
  readonly constructor: Values | readonly Value[];
  readonly state: Readonly<Record<string, TensorKey>>;
  readonly inputs: readonly Value[];
  readonly options: Values;
  readonly outputs: readonly TensorKey[];
  readonly buffers: Readonly<Record<string, TensorKey>>;
  readonly parameterGrads?: Readonly<Record<string, TensorKey | null>>;
  readonly inputGrads?: readonly (TensorKey | null)[];
  readonly repr: string;
}

const fixtures = join(__dirname, "fixtures");
const cases = JSON.parse(readFileSync(join(fixtures, "modules.json"), "utf8")) as readonly Case[];
const classes = [...new Set(cases.map((each) => each.class))];
const stored = loadSafetensors(join(fixtures, "modules.safetensors")).tensors;

/** What PyTorch has and this package has not. */
const NOT_HERE: Readonly<Record<string, string>> = {
  LinearCrossEntropyLoss: "of PyTorch 2.13 and later",
};
/** Arguments that are by position here although PyTorch has a default, or a form without names. */
const BY_POSITION: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(["RNN", "LSTM", "GRU"].map((name) => [name, ["input_size", "hidden_size"]])),
  ...Object.fromEntries(["Softmax", "Softmin", "LogSoftmax"].map((name) => [name, ["dim"]])),
  ...Object.fromEntries(
    ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"].map((name) => [
      name,
      ["p"],
    ]),
  ),
};
/** PyTorch's text without what depends on how its caller wrote numbers and lists, and with the class that stands for one of quantization. */
const asHere = (repr: string) =>
  repr
    .replaceAll("NonDynamicallyQuantizableLinear", "Linear")
    .replace(/(\d)\.0\b/g, "$1")
    .replace(/\[([^\]]*)\]/g, "($1)");

const camelCase = (name: string) => name.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const isTensor = (value: Value): value is TensorKey => typeof value === "object" && value !== null && "tensor" in value;

/** A stored value; tensors that take a gradient are noted in `leaves`. */
function decode(value: Value, leaves: Tensor[]): unknown {
  if (Array.isArray(value)) return value.map((entry: Value) => decode(entry, leaves));
  if (typeof value !== "object" || value === null) return value;
  if ("float" in value) return Number(value.float.replace("inf", "Infinity"));
  if (!isTensor(value)) throw new Error("a value of an unknown form");
  const known = value.leaf === null ? undefined : leaves[value.leaf];
  if (known !== undefined) return known; // one tensor for two arguments
  const tensor = stored.get(value.tensor)!.clone();
  if (value.leaf !== null) leaves[value.leaf] = tensor.requiresGrad_();
  return tensor;
}
const decodeAll = (values: Values, leaves: Tensor[]) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [camelCase(name), decode(value, leaves)]));

function build({ class: name, constructor, required }: Case): nn.Module {
  const Module = (nn as unknown as Record<string, new (...args: unknown[]) => nn.Module>)[name]!;
  if (Array.isArray(constructor)) return new Module(...constructor.map((value: Value) => decode(value, [])));
  const { dtype: _, device: __, ...options } = constructor as Record<string, Value>;
  const positional = [...required, ...(BY_POSITION[name] ?? [])];
  const position = positional.map((argument) => decode(options[argument] ?? null, []) ?? undefined);
  const rest = Object.fromEntries(Object.entries(options).filter(([argument]) => !positional.includes(argument)));
  return new Module(...position, ...(Object.keys(rest).length > 0 ? [decodeAll(rest, [])] : []));
}

function flat(outputs: unknown): Tensor[] {
  if (outputs instanceof Tensor) return [outputs];
  if (outputs === null) return [];
  return Object.values(outputs as object).flatMap(flat);
}
function weightedSum(x: Tensor): Tensor {
  const weights = Float64Array.from({ length: x.numel() }, (_, i) => Math.sin(0.7 * i + 0.3));
  return x.mul(fromTypedArray(weights, x.shape)).sum();
}

function expectEqual(where: string, actual: Tensor | null, expected: TensorKey | null, bound = 1e-9): void {
  if (actual === null || expected === null) return expect([where, actual]).toEqual([where, expected]);
  const truth = stored.get(expected.tensor)!;
  expect([where, actual.shape, actual.dtype]).toEqual([where, truth.shape, truth.dtype]);
  if (truth.numel() === 0) return;
  const same = truth.isFloatingPoint()
    ? actual.detach().isclose(truth, bound, bound, true).all().item()
    : actual.eq(truth).all().item();
  if (!same) throw new Error(`${where}: expected ${truth.toString()}, got ${actual.toString()}`);
}

function check(stored: Case): void {
  manualSeed(5);
  const module = build(stored).to("float64").train(stored.training);
  const state = toMap(module.stateDict());
  expect([...state.keys()]).toEqual(Object.keys(stored.state));
  for (const [name, key] of Object.entries(stored.state))
    expectEqual(`initial ${name}`, state.get(name) as Tensor, key, INITIAL_BOUND);
  module.loadStateDict(
    Object.fromEntries(Object.entries(stored.state).map(([name, key]) => [name, decode(key, []) as Tensor])),
  );

  const leaves: Tensor[] = [];
  const inputs = stored.inputs.map((value) => decode(value, leaves));
  const options = decodeAll(stored.options, leaves);
  const args = Object.keys(options).length === 0 ? inputs : [...inputs, options];
  manualSeed(123);
  const outputs = flat(module.forward(...args));
  expect(outputs).toHaveLength(stored.outputs.length);
  stored.outputs.forEach((key, i) => expectEqual(`output ${i}`, outputs[i]!, key));
  const buffers = new Map(module.namedBuffers());
  for (const [name, key] of Object.entries(stored.buffers))
    expectEqual(`buffer ${name}`, buffers.get(name) ?? null, key);
  expect(asHere(String(module))).toBe(asHere(stored.repr));

  const sums = outputs.filter((output) => output.requiresGrad).map(weightedSum);
  expect(sums.length > 0).toBe(stored.parameterGrads !== undefined);
  if (sums.length === 0) return;
  const parameters = new Map(module.namedParameters());
  const names = Object.keys(stored.parameterGrads!);
  const gradients = grad(
    sums.reduce((sum, part) => sum.add(part)),
    [...names.map((name) => parameters.get(name)!), ...leaves],
    { allowUnused: true },
  );
  names.forEach((name, i) => expectEqual(`gradient of ${name}`, gradients[i] ?? null, stored.parameterGrads![name]!));
  stored.inputGrads!.forEach((key, i) =>
    expectEqual(`gradient of input ${i}`, gradients[names.length + i] ?? null, key),
  );
}

test("nearly all classes of torch.nn are compared", () => {
  expect(classes.length).toBeGreaterThanOrEqual(100);
});

test.each(classes.filter((name) => !(name in NOT_HERE)))("%s", (name) => {
  const own = cases.filter((each) => each.class === name);
  expect(own.length).toBeGreaterThan(0);
  // PyTorch has one call by the input's name, a form that there is not here
  for (const each of own) if (each.inputs.length > 0) scope(() => check(each));
});
