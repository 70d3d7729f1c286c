/** Programs that Python exported (record_reference.py), against PyTorch's own results. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as torch from "../../../lib/torch";
import { nn, tensor, type Tensor } from "../../../lib/torch";
import { assertClose } from "../../../lib/testing";
import { CheckpointError } from "../../../lib/torch/serialization/errors";

const { load, loadAsync } = torch.export;
const fixture = (name: string): string => join(__dirname, "fixtures", `${name}.pt2`);
const expected = JSON.parse(readFileSync(join(__dirname, "fixtures", "expected.json"), "utf8")) as Record<
  string,
  never
>;
const ramp = (shape: number[], scale = 1): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return torch.fromTypedArray(
    Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 0.7 * scale))),
    shape,
  );
};
const folder = mkdtempSync(join(tmpdir(), "noether-export-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Compares trees of tensors and numbers with nested lists. */
function close(actual: unknown, wanted: unknown): void {
  if (actual instanceof torch.Tensor) {
    const { dtype } = actual;
    const values = tensor(wanted as number[], { dtype });
    assertClose(actual, values, { rtol: 1e-4, atol: 1e-5 });
  } else if (typeof actual === "object" && actual !== null) {
    expect(Object.keys(actual)).toEqual(Object.keys(wanted as object));
    for (const [key, value] of Object.entries(actual)) close(value, (wanted as Record<string, unknown>)[key]);
  } else expect(actual).toBe(wanted);
}

test("weights, buffers, arguments by name, a dict with a tuple as result, an open size", () => {
  const model = load(fixture("vision"));
  close(model.call([ramp([3, 3, 6, 6], 5)], { alpha: 0.5 }), expected["vision"]);
  close(model.call([], { x: ramp([3, 3, 6, 6], 5), alpha: 0.5 }), expected["vision"]);
  expect([...model.stateDict().keys()]).toEqual([
    "conv.weight",
    "conv.bias",
    "norm.weight",
    "norm.bias",
    "head.weight",
    "head.bias",
    "scale",
    "norm.running_mean",
    "norm.running_var",
    "norm.num_batches_tracked",
  ]);
  expect(model.namedBuffers().map(([name]) => name)).toContain("shift");
  expect(model.argumentNames).toEqual(["x", "alpha"]);
  expect(model.torchVersion).toMatch(/^2\./);
});

test("parameters train", () => {
  const model = load(fixture("vision"));
  const { scores } = model.call([ramp([2, 3, 6, 6], 5)], { alpha: 0.5 }) as { scores: Tensor };
  scores.sum().backward();
  close(new Map(model.namedParameters()).get("conv.weight")!.grad, expected["visionGradient"]);
});

test("it is a module as others: a child, in double precision, with its state in files", () => {
  const model = load(fixture("attention"));
  class Outer extends nn.Module {
    readonly inner = model;
    forward(x: Tensor): Tensor {
      return this.inner.forward(x) as Tensor;
    }
  }
  const outer = new Outer();
  const path = join(folder, "state.pt");
  torch.save(outer.stateDict(), path);
  const again = load(fixture("attention"));
  again.loadStateDict(
    new Map(
      [...(torch.load(path) as ReadonlyMap<string, Tensor>)].map(([key, value]) => [key.slice("inner.".length), value]),
    ),
  );
  close(outer.forward(ramp([2, 5, 8], 3)), expected["attention"]);
  close(again.forward(ramp([2, 5, 8], 3)), expected["attention"]);
});

test.each(["attention", "attention-core"])("a transformer layer, %s", async (name) => {
  const model = await loadAsync(fixture(name));
  close(model.forward(ramp([2, 5, 8], 3)), expected["attention"]);
  torch.expectNoLeaks(() => torch.scope(() => void model.forward(ramp([1, 5, 8]))));
});

test("sizes, whole floats, lists, null as result, and control flow", () => {
  const model = load(fixture("sizes"));
  const pair = [ramp([4], 2), ramp([4], 4)];
  const result = model.forward(ramp([9], 7), pair) as unknown[];
  expect((result[1] as Tensor).dtype).toBe("float32");
  close(result, expected["sizes"]);
  close(model.forward(ramp([9], 7).abs().neg(), pair), expected["sizesNegative"]);
});

test.each(["training", "training-functional"])("buffers that are written, %s", (name) => {
  const model = load(fixture(name));
  model.forward(ramp([4, 3]));
  const result = model.forward(ramp([4, 3], 2));
  const buffers = new Map(model.namedBuffers());
  close([result, buffers.get("norm.running_mean"), buffers.get("calls")!.item()], expected["training"]);
});

test.each<[string, () => unknown, RegExp]>([
  [
    "too few arguments",
    () => load(fixture("attention")).forward(),
    /expected 1 arguments \(src\)|expected 1 arguments \(tokens\), got 0/,
  ],
  ["a number for a tensor", () => load(fixture("attention")).forward(3), /expected a tensor for tokens, got 3/],
  [
    "another dtype",
    () => load(fixture("attention")).forward(ramp([2, 5, 8]).double()),
    /expected float32 for tokens, got float64/,
  ],
  [
    "another shape",
    () => load(fixture("attention")).forward(ramp([2, 4, 8])),
    /expected shape \[\w+, 5, 8\] for tokens, got \[2, 4, 8\]/,
  ],
  ["a size out of range", () => load(fixture("attention")).forward(ramp([65, 5, 8])), /between 1 and 64/],
  [
    "another constant",
    () => load(fixture("vision")).call([ramp([2, 3, 6, 6])], { alpha: 1 }),
    /expected 0.5 for alpha, the value that the program was exported with, got 1/,
  ],
  ["an unknown name", () => load(fixture("vision")).call([ramp([2, 3, 6, 6])], { beta: 1 }), /got "beta"/],
  ["another list", () => load(fixture("sizes")).forward(ramp([4]), [ramp([4])]), /expected a list of 2/],
  ["train", () => load(fixture("vision")).train(), /export the model in training mode/],
  ["eval", () => load(fixture("vision")).eval(), /after model\.eval\(\)/],
  [
    "an unknown program",
    () => load(fixture("vision"), { name: "other" }),
    /expected the name of a program in the archive \(model\), got other/,
  ],
  ["an unknown option", () => load(fixture("vision"), { map: 1 } as never), /unknown option "map"/],
])("%s", (_, call, message) => expect(call).toThrow(message));

test("other files are told apart", () => {
  const weights = join(folder, "weights.pt");
  torch.save({ a: tensor([1]) }, weights);
  expect(() => load(weights)).toThrow(/weights without code \(torch.save\): read them with torch.load/);
  const noise = join(folder, "noise.pt2");
  writeFileSync(noise, "not an archive");
  expect(() => load(noise)).toThrow(CheckpointError);
  expect(() => torch.jit.load(fixture("vision"))).toThrow(/torch\.export\.load/);
  expect(() => torch.load(fixture("vision"))).toThrow(CheckpointError);
  expect(() => load(join(folder, "none.pt2"))).toThrow(/none\.pt2/);
});
