import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EventFile } from "../../../lib/core/trackers/event-file";
import { TensorboardTracker, TensorboardTrackerSchema } from "../../../lib/core/trackers";
import { python } from "../../support/python";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
let events: [values: Record<string, number | string>, step: number][];
let starts: number[];
beforeEach(() => {
  run = trackedRun();
  [events, starts] = [[], []];
  jest.spyOn(EventFile.prototype, "add").mockImplementation((values, step) => void events.push([values, step]));
  jest.spyOn(EventFile.prototype, "start").mockImplementation((step) => void starts.push(step));
});
afterEach(() => {
  jest.restoreAllMocks();
  run.remove();
});

const tracker = (config: object = {}) =>
  new TensorboardTracker(
    TensorboardTrackerSchema.parse({ kind: "noether.core.trackers.TensorboardTracker", ...config }),
    run.dependencies,
  );

it("writes metrics by update, and both texts", async () => {
  const board = tracker();
  const warning = jest.spyOn(board.logger, "warning").mockImplementation(() => undefined);
  await board.init(run.init);
  await board.log({ epoch: 1, update: 10, sample: 40, loss: 0.5, ok: true, note: "text", image: [1] });
  await board.log({ step: 12, loss: 0.25 });
  await board.setSummary("loss/min", 0.25);
  await board.close();
  await board.close();
  expect(readdirSync(join(run.path, "runs"))).toHaveLength(1);
  expect(warning.mock.calls).toEqual([
    ['TensorBoard takes numbers, booleans and strings; "image" (Array) is not written'],
  ]);
  expect(events.slice(1)).toEqual([
    [{ epoch: 1, update: 10, sample: 40, loss: 0.5, ok: 1, note: "text" }, 10],
    [{ loss: 0.25 }, 12],
    [{ "Summary Metrics": "# Final Summary Metrics\n\n- **loss/min**: `0.25`" }, 13],
  ]);
  expect(events[0]).toEqual([
    { Configuration: expect.stringContaining("# Run Configuration\n\n- **run_name**: `wing`") },
    0,
  ]);
  expect(events[0]![0]["Configuration"]).toContain('- **hp**: `{"model":{"depth":2,"dims":{"0":1,"1":2}}}`');
});

it("says where a run goes on, so that what a dead one wrote later is dropped", async () => {
  const board = tracker();
  await board.init(run.init);
  await board.log({ update: 7, loss: 1 });
  await board.log({ update: 8, loss: 1 });
  expect(starts).toEqual([7]);
});

it("writes pictures at their update", async () => {
  const added = jest.spyOn(EventFile.prototype, "addPicture").mockImplementation(() => undefined);
  const board = tracker();
  await board.init(run.init);
  await board.logPictures({ "test/0/p/predicted": Buffer.from("png") }, 7);
  expect([starts, added.mock.calls]).toEqual([[7], [["test/0/p/predicted", Buffer.from("png"), 7]]]);
});

it("takes an absolute log_dir as it is", async () => {
  await tracker({ log_dir: join(run.path, "elsewhere") }).init(run.init);
  expect(readdirSync(run.path).sort()).toEqual(["elsewhere", "tracker"]);
});

const hasTensorboard =
  python !== undefined && spawnSync(python, ["-c", "import tensorboard"]).status === 0 ? python : undefined;
if (hasTensorboard === undefined)
  console.info("skipped: values read back by tensorboard (PYTHON names no Python that has it)");

(hasTensorboard ? it : it.skip)("is read by tensorboard", async () => {
  jest.restoreAllMocks();
  const board = tracker();
  await board.init(run.init);
  for (const update of [1, 2]) await board.log({ update, "loss/total": update / 8, note: "größe" });
  const png = readFileSync(join(__dirname, "../../../docs/dashboard.png"));
  await board.logPictures({ "test/0/p/true": png }, 2);
  await board.close();
  const script = `
import sys, json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]); events.Reload()
text = lambda tag: events.Tensors(tag + "/text_summary")[0].tensor_proto.string_val[0].decode()
print(json.dumps([[[e.step, e.value] for e in events.Scalars("loss/total")], text("note"), text("Configuration"), [[e.step, len(e.encoded_image_string)] for e in events.Images("test/0/p/true")]]))`;
  const { stdout, stderr } = spawnSync(hasTensorboard!, ["-c", script, join(run.path, "runs")], { encoding: "utf8" });
  expect([stdout.slice(0, 2), stderr.includes("Traceback")]).toEqual(["[[", false]);
  const [scalars, note, configuration, images] = JSON.parse(stdout) as [number[][], string, string, number[][]];
  expect(images).toEqual([[2, png.length]]);
  expect([scalars, note]).toEqual([[[1, 0.125], [2, 0.25]], "größe"]); // prettier-ignore
  expect(configuration).toContain("- **run_name**: `wing`");
});

it("refuses metrics before it was initialised", async () => {
  await expect(tracker().log({ update: 1, loss: 1 })).rejects.toThrow("call init() before log()");
});
