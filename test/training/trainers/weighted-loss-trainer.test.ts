import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { register } from "../../../lib/config/registry";
import { PathProvider, MetricPropertyProvider } from "../../../lib/core/providers";
import { NoopTracker } from "../../../lib/core/trackers";
import { tensor, type Tensor } from "../../../lib/torch";
import { WeightedLossTrainer, WeightedLossTrainerConfig } from "../../../lib/training";
import { smallData } from "../../support/small-run";

const base = {
  kind: "noether.training.trainers.WeightedLossTrainer",
  max_epochs: 1,
  effective_batch_size: 4,
  callbacks: null,
  target_properties: ["a_target", "b_target"],
  field_weights: { a: 1, b: 0.5 },
};

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "noether-"))));
afterAll(() => rmSync(folder, { recursive: true }));

function trainer(more: object = {}) {
  const pathProvider = new PathProvider({ outputRootPath: folder, runId: "run" });
  const metricPropertyProvider = new MetricPropertyProvider();
  return new WeightedLossTrainer(WeightedLossTrainerConfig.create({ ...base, ...more }), {
    dataContainer: smallData(),
    device: "cpu",
    pathProvider,
    metricPropertyProvider,
    tracker: new NoopTracker({ pathProvider, metricPropertyProvider }),
  });
}
const problems = (more: object) =>
  WeightedLossTrainerConfig.safeParse({ ...base, ...more }).error?.issues.map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  ) ?? [];

const prediction = tensor([0.5, -1, 3, 0.1]);
const target = tensor([0, 0.5, -1, 0]);

// values of PyTorch
describe.each([
  ["mse", 4.6275],
  ["l1", 1.525],
  ["smooth_l1", 1.1575],
  ["huber", 1.1575],
  ["torch.nn.functional.mse_loss", 4.6275],
  ["torch.nn.functional.smooth_l1_loss", 1.1575],
])("%s", (loss_fn, expected) => {
  test("each loss is times its weight", () => {
    const losses = trainer({ loss_fn }).lossCompute(
      { a: prediction, b: prediction },
      { a_target: target, b_target: target },
    );
    expect(Object.keys(losses)).toEqual(["a_loss", "b_loss"]);
    expect(losses["a_loss"]!.item()).toBeCloseTo(expected, 6);
    expect(losses["b_loss"]!.item()).toBeCloseTo(expected / 2, 6);
  });
});

test("a function of one's own gets the target first", () => {
  register("./losses.ts#first", { class: (first: Tensor) => first.sum() });
  const losses = trainer({ loss_fn: "./losses.ts#first" }).lossCompute({ a: prediction }, { a_target: target });
  expect(losses["a_loss"]!.item()).toBeCloseTo(-0.5, 6);
});

test("fields of weight 0, and fields that the model does not predict, are left out", () => {
  const outputs = { a: prediction, c: prediction };
  const targets = { a_target: target, b_target: target, c_target: target };
  const fields = { target_properties: Object.keys(targets), field_weights: { a: 0, b: 1, c: 1, d: 1 } };
  expect(Object.keys(trainer(fields).lossCompute(outputs, targets))).toEqual(["c_loss"]);
});

test("a missing target, and nothing that could be a loss, are errors", () => {
  expect(() => trainer().lossCompute({ a: prediction }, {})).toThrow('expected the target "a_target"');
  expect(() => trainer().lossCompute({ x: prediction }, { a_target: target })).toThrow(
    "no loss: expected the model to predict one of a, b, but its outputs are x",
  );
});

test.each([
  [{ field_weights: { a: 1 } }, 'target_properties.1: expected the weight of "b" in field_weights'],
  [{ field_weights: undefined }, "field_weights: missing value: expected a mapping, received nothing"],
  [
    { loss_fn: "rmse" },
    'loss_fn: expected mse, l1, smooth_l1, huber, or a function of your own as ./file.ts#name, received "rmse"',
  ],
  [
    { loss_fn: "torch.nn.functional.nll_loss" },
    'loss_fn: expected mse, l1, smooth_l1, huber, or a function of your own as ./file.ts#name, received "torch.nn.functional.nll_loss"',
  ],
])("%j", (more, problem) => {
  expect(problems(more)).toEqual([problem]);
});
