import { toCurrentState } from "../../lib/core/release-1.1";
import { nn, scope } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { buildModule, callModule, goldenIndex, goldenLoss, loadCase, relativeError } from "./cases";
import type { GoldenCase, GoldenEntry } from "./cases";
import { expectTruth, float32Bound } from "./comparison";
import { onCpu, testDevice } from "../support/device";

/** Sines of angles up to 1000 differ between libraries in the last bits of the argument. */
const BUFFER_TOLERANCE = 1e-6;
const shapes = (tensors: Iterable<[string, Tensor]>) =>
  Object.fromEntries([...tensors].map(([name, tensor]) => [name, `${tensor.dtype} ${tensor.shape.join("x")}`]));
const cases = goldenIndex.map((entry) => [entry.name, entry] as const);

/** Tensors of a case, which has the keys of release 1.1, by the keys of the module. */
const inFormOf = (module: nn.Module, tensors: ReadonlyMap<string, Tensor>) =>
  toCurrentState(tensors, module.stateDict().keys());

/** Builds the module with the weights of the case and runs it forward and backward in one precision. */
function run(entry: GoldenEntry, golden: GoldenCase, dtype: "float32" | "float64") {
  const module = buildModule(entry).to(dtype) as nn.Module;
  module.loadStateDict(inFormOf(module, golden.weight));
  module.to(testDevice);
  const input = new Map(
    [...golden.input].map(([name, x]) => [name, (x.isFloatingPoint() ? x.to(dtype) : x).to(testDevice)]),
  );
  const outputs = callModule(module, entry, input);
  const loss = goldenLoss(outputs);
  if (loss.requiresGrad) loss.backward();
  const gradients = new Map<string, Tensor>();
  for (const [name, { grad }] of module.namedParameters()) if (grad !== null) gradients.set(name, grad);
  return { module, outputs: onCpu(outputs), gradients: onCpu(gradients), loss: Number(loss.item()) };
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
      const module = buildModule(entry);
      const weight = inFormOf(module, loadCase(entry.name).weight);
      expect(shapes(module.stateDict())).toEqual(shapes(weight));
      for (const [name, buffer] of module.namedBuffers()) {
        expect([name, relativeError(buffer, weight.get(name)!) <= BUFFER_TOLERANCE]).toEqual([name, true]);
      }
    }),
  );

  it.each(cases)("%s in float32", (_, entry) =>
    scope(() => {
      const golden = loadCase(entry.name);
      const { module, outputs, gradients, loss } = run(entry, golden, "float32");
      const [grad, grad64] = [inFormOf(module, golden.grad), inFormOf(module, golden.grad64)];
      expect([...outputs.keys()]).toEqual(Object.keys(entry.outputs));
      expect(new Set([...outputs, ...gradients].map(([, { dtype }]) => dtype))).toEqual(new Set(["float32"]));
      expectTruth(outputs, golden.output64, float32Bound(golden.output, golden.output64));
      expectTruth(gradients, grad64, float32Bound(grad, grad64));
      expect(Math.abs(loss / golden.loss - 1)).toBeLessThanOrEqual(1e-5);
    }),
  );

  it.each(cases)("%s in float64", (_, entry) =>
    scope(() => {
      const golden = loadCase(entry.name);
      const { module, outputs, gradients } = run(entry, golden, "float64");
      expect(new Set([...outputs, ...gradients].map(([, { dtype }]) => dtype))).toEqual(new Set(["float64"]));
      expectTruth(outputs, golden.output64, () => float64Bound(entry));
      expectTruth(gradients, inFormOf(module, golden.grad64), () => float64Bound(entry));
    }),
  );
});
