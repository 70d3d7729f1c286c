import { scope } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { buildModule, callModule, goldenIndex, loadCase, relativeError } from "./cases";

const OUTPUT_TOLERANCE = 1e-5;
const GRADIENT_TOLERANCE = 1e-4;
/** Sines of angles up to 1000 differ between libraries in the last bits of the argument. */
const BUFFER_TOLERANCE = 1e-6;

const shapes = (tensors: Iterable<[string, Tensor]>) =>
  Object.fromEntries([...tensors].map(([name, tensor]) => [name, `${tensor.dtype} ${tensor.shape.join("x")}`]));

describe("golden cases", () => {
  it("are there", () => {
    expect(goldenIndex.length).toBeGreaterThan(0);
  });

  it.each(goldenIndex.map((entry) => [entry.name, entry] as const))("%s", (_, entry) =>
    scope(() => {
      const golden = loadCase(entry.name);
      const module = buildModule(entry);

      expect(shapes(module.stateDict())).toEqual(shapes(golden.weight));
      for (const [name, buffer] of module.namedBuffers()) {
        expect([name, relativeError(buffer, golden.weight.get(name)!)]).toEqual([name, expect.closeTo(0, -Math.log10(BUFFER_TOLERANCE))]);
      }
      module.loadStateDict(golden.weight);

      const outputs = callModule(module, entry, golden.input);
      expect([...outputs.keys()]).toEqual(Object.keys(entry.outputs));
      for (const [name, expected] of golden.output) {
        const error = relativeError(outputs.get(name), expected);
        if (!(error <= OUTPUT_TOLERANCE)) throw new Error(`output ${name} is off by ${error}`);
      }

      const loss = [...outputs.values()].map((output) => output.square().mean()).reduce((sum, part) => sum.add(part));
      expect(Math.abs(Number(loss.item()) - golden.loss)).toBeLessThanOrEqual(OUTPUT_TOLERANCE * Math.abs(golden.loss));
      if (!loss.requiresGrad) {
        expect(golden.grad.size).toBe(0);
        return;
      }
      loss.backward();
      const gradients = new Map(module.namedParameters().map(([name, parameter]) => [name, parameter.grad]));
      expect([...gradients].filter(([, gradient]) => gradient !== null).map(([name]) => name).sort()).toEqual([...golden.grad.keys()].sort());
      for (const [name, expected] of golden.grad) {
        const error = relativeError(gradients.get(name), expected);
        if (!(error <= GRADIENT_TOLERANCE)) throw new Error(`gradient of ${name} is off by ${error}`);
      }
    }),
  );
});
