import { ResultTuple } from "../../../lib/core/callbacks";
import { full, tensor, type Tensor } from "../../../lib/torch";
import { OfflineLossCallback } from "../../../lib/training";
import { OfflineLossCallbackConfig } from "../../../lib/training/callbacks/offline-loss";
import { parts } from "../../core/callbacks/support";
import { smallData } from "../../support/small-run";

function make(config: object = {}, trainStep: () => object = () => ({ totalLoss: full([], 1) })) {
  const own = parts({ trainer: { trainStep } });
  const callback = new OfflineLossCallback(
    OfflineLossCallbackConfig.create({ every_n_epochs: 1, dataset_key: "test", ...config } as never),
    { ...own.dependencies, dataContainer: smallData() },
  );
  return { own, callback };
}
const at = (own: ReturnType<typeof parts>) => ({ intervalType: "epoch" as const, updateCounter: own.counter });

test("losses, and the outputs that match a pattern", async () => {
  const { own, callback } = make({ output_patterns_to_log: ["mask"] }, () => ({
    totalLoss: full([], 3),
    lossesToLog: { loss_a: full([], 1), loss_b: full([], 2) },
    additionalOutputs: { pred_mask_1: full([], 1), pred_mask_2: [1, 2], logits: full([], 5) },
  }));
  const { items } = await callback.processData({}, own.model);
  const [losses, outputs] = items as [Record<string, Tensor>, Record<string, Tensor>];
  expect(Object.keys(losses)).toEqual(["total", "loss_a", "loss_b"]);
  expect([Object.keys(outputs), outputs["pred_mask_2"]?.toArray()]).toEqual([
    ["pred_mask_1", "pred_mask_2"],
    [1, 2],
  ]);
  const none = await make().callback.processData({}, own.model);
  expect(none).toBeInstanceOf(ResultTuple);
  expect(none.items[1]).toEqual({});
});

test("means over the data set, and the distance from training", () => {
  const { own, callback } = make();
  own.writer.addScalar("loss/online/mse/E1", 1.5);
  callback.processResults([{ mse: tensor([1, 3]) }, { accuracy: tensor([0.8, 1]) }], at(own));
  const cache = own.writer.logCache as Record<string, number>;
  expect([cache["loss/test/mse"], cache["lossdiff/test/mse"]]).toEqual([2, 0.5]);
  expect(cache["accuracy/test"]).toBeCloseTo(0.9, 6);
});

test("anything but one number per sample is refused", () => {
  const { own, callback } = make();
  expect(() => callback.processResults([{ mse: full([2, 2], 1) }, {}], at(own))).toThrow(
    "Loss has to be calculated sample-wise: 'mse' has shape [2, 2]",
  );
  expect(() => callback.processResults([{}, { a: full([], 1) }], at(own))).toThrow(
    "Output has to be calculated sample-wise: 'a' has shape []",
  );
});
