import { nn, scope } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { buildModule, callModule, goldenIndex, goldenLoss, loadCase, relativeError } from "./cases";
import type { GoldenCase, GoldenEntry } from "./cases";

/** Sines of angles up to 1000 differ between libraries in the last bits of the argument. */
const BUFFER_TOLERANCE = 1e-6;
/** Entries below which the error of one run says little about rounding. */
const FEW = 16;

const shapes = (tensors: Iterable<[string, Tensor]>) =>
  Object.fromEntries([...tensors].map(([name, tensor]) => [name, `${tensor.dtype} ${tensor.shape.join("x")}`]));
const cases = goldenIndex.map((entry) => [entry.name, entry] as const);

/** Builds the module with the weights of the case and runs it forward and backward in one precision. */
function run(entry: GoldenEntry, golden: GoldenCase, dtype: "float32" | "float64") {
  const module = buildModule(entry).to(dtype) as nn.Module;
  module.loadStateDict(golden.weight);
  const input = new Map([...golden.input].map(([name, x]) => [name, x.isFloatingPoint() ? x.to(dtype) : x]));
  const outputs = callModule(module, entry, input);
  const loss = goldenLoss(outputs);
  if (loss.requiresGrad) loss.backward();
  const gradients = new Map<string, Tensor>();
  for (const [name, { grad }] of module.namedParameters()) if (grad !== null) gradients.set(name, grad);
  return { outputs, gradients, loss: Number(loss.item()) };
}

/** Fails unless all tensors, and no others, agree with the truth. */
function expectTruth(
  actual: ReadonlyMap<string, Tensor>,
  truth: ReadonlyMap<string, Tensor>,
  bound: (name: string) => number,
): void {
  expect([...actual.keys()].sort()).toEqual([...truth.keys()].sort());
  for (const [name, expected] of truth) {
    const error = relativeError(actual.get(name), expected);
    if (!(error <= bound(name))) throw new Error(`${name} is off by ${error}, allowed is ${bound(name)}`);
  }
}

/**
 * The bound of float32 results, by tensor: four times the error of Python's float32 run, which says how much rounding is magnified
 * there, and a few roundings, as that error may be zero. Over two entries, as a temperature has, it may be small by luck (1.5e-7, where
 * PyTorch has up to 1.7e-6 on other CPUs): tensors of few entries take the largest error in their module.
 */
function float32Bound(float32: ReadonlyMap<string, Tensor>, truth: ReadonlyMap<string, Tensor>) {
  const errors = new Map([...truth].map(([name, expected]) => [name, relativeError(float32.get(name), expected)]));
  const inModule = (name: string) => {
    const prefix = name.slice(0, name.lastIndexOf(".") + 1);
    return Math.max(...[...errors].filter(([other]) => other.startsWith(prefix)).map(([, error]) => error));
  };
  return (name: string) => 4 * (truth.get(name)!.numel() < FEW ? inModule(name) : errors.get(name)!) + 1e-6;
}

/**
 * The bound of float64 results. Sine-cosine codes take their coordinates in float32, in Python too. Where these are computed, as the
 * distances between points are, the last bit of the float64 value decides how they are rounded.
 */
function float64Bound({ config }: GoldenEntry): number {
  return config["spool_pos_mode"] === "relpos" || config["spool_pos_mode"] === "absrelpos" ? 1e-6 : 1e-9;
}

describe("golden cases", () => {
  it("are there", () => {
    expect(goldenIndex.length).toBeGreaterThan(0);
  });

  it.each(cases)("%s has the names, shapes and buffers of Python's module", (_, entry) =>
    scope(() => {
      const { weight } = loadCase(entry.name);
      const module = buildModule(entry);
      expect(shapes(module.stateDict())).toEqual(shapes(weight));
      for (const [name, buffer] of module.namedBuffers()) {
        expect([name, relativeError(buffer, weight.get(name)!) <= BUFFER_TOLERANCE]).toEqual([name, true]);
      }
    }),
  );

  it.each(cases)("%s in float32", (_, entry) =>
    scope(() => {
      const golden = loadCase(entry.name);
      const { outputs, gradients, loss } = run(entry, golden, "float32");
      expect([...outputs.keys()]).toEqual(Object.keys(entry.outputs));
      expect(new Set([...outputs, ...gradients].map(([, { dtype }]) => dtype))).toEqual(new Set(["float32"]));
      expectTruth(outputs, golden.output64, float32Bound(golden.output, golden.output64));
      expectTruth(gradients, golden.grad64, float32Bound(golden.grad, golden.grad64));
      expect(Math.abs(loss / golden.loss - 1)).toBeLessThanOrEqual(1e-5);
    }),
  );

  it.each(cases)("%s in float64", (_, entry) =>
    scope(() => {
      const golden = loadCase(entry.name);
      const { outputs, gradients } = run(entry, golden, "float64");
      expect(new Set([...outputs, ...gradients].map(([, { dtype }]) => dtype))).toEqual(new Set(["float64"]));
      expectTruth(outputs, golden.output64, () => float64Bound(entry));
      expectTruth(gradients, golden.grad64, () => float64Bound(entry));
    }),
  );
});
