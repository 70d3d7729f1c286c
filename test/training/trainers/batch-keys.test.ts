import { ones } from "../../../lib/torch";
import { type LogRecord, rootLogger } from "../../../lib/core/logging";
import { BatchKeys } from "../../../lib/training/trainers/batch-keys";
import { smallRun, temporaryFolder } from "../../support/small-run";

const batch = { x: ones([1]), y: ones([1]), index: ones([1]) };

test("splits a batch", () => {
  const { forward, targets } = new BatchKeys(["x"], ["y"]).split(batch);
  expect([Object.keys(forward), Object.keys(targets)]).toEqual([["x"], ["y"]]);
});

test("keys that the batch lacks are an error that names them, and what there is", () => {
  expect(() => new BatchKeys(["x", "normals"], ["z"]).split(batch)).toThrow(
    "batches lack 'normals' of forward_properties and 'z' of target_properties; they hold index, x, y",
  );
});

test("optional keys may be missing", () => {
  expect(Object.keys(new BatchKeys(["x", "features"], ["y"], ["features"]).split(batch).forward)).toEqual(["x"]);
});

test("keys that are not used are noted once, for those who look for them", () => {
  const records: LogRecord[] = [];
  rootLogger().handlers = [{ level: 0, handle: (record) => void records.push(record) }];
  const keys = new BatchKeys(["x"], []);
  keys.split(batch);
  keys.split(batch);
  rootLogger().handlers = [];
  expect(records.map(({ level, message }) => [level, message])).toEqual([
    [10, "entries of batches that are not used: y, index"],
  ]);
});

test("a run whose batches lack a key ends before its first update", async () => {
  const folder = temporaryFolder();
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    trainer: { forward_properties: ["x", "normals"] },
  });
  await expect(trainer.train(model)).rejects.toThrow("batches lack 'normals'");
  expect(trainer.updateCounter.update).toBe(0);
  folder.remove();
});
