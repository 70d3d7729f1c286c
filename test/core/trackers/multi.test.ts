import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CsvTracker, MultiTracker, MultiTrackerConfig, readMetrics } from "../../../lib/core/trackers";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
beforeEach(() => (run = trackedRun()));
afterEach(() => {
  jest.restoreAllMocks();
  run.remove();
});

const several = () =>
  new MultiTracker(
    MultiTrackerConfig.parse({
      kind: "noether.core.trackers.MultiTracker",
      trackers: [
        { kind: "noether.core.trackers.CsvTracker" },
        { kind: "noether.core.trackers.WandBTracker", mode: "disabled" },
        { kind: "noether.core.trackers.JsonLinesTracker", path: "own.jsonl" },
      ],
    }),
    run.dependencies,
  );

it("gives every tracker the metrics; one writes the files of the run", async () => {
  const tracker = several();
  await tracker.init(run.init);
  await tracker.log({ update: 1, loss: 2 });
  await tracker.updateSummary({ best: 1 });
  await tracker.close();
  expect(tracker.trackers).toHaveLength(2);
  expect(readFileSync(join(run.path, "metrics.csv"), "utf8")).toBe("update,loss\n1,2\n");
  expect(readMetrics(join(run.path, "own.jsonl"))).toEqual([{ update: 1, loss: 2 }]);
  expect(readMetrics(join(run.path, "tracker", "metrics.jsonl"))).toEqual([{ update: 1, loss: 2 }]);
  expect(readFileSync(join(run.path, "tracker", "summary.yaml"), "utf8")).toBe("best: 1\n");
});

it("gives every tracker the pictures", async () => {
  const pictures = { p: Buffer.from("png") };
  const taken = jest.spyOn(CsvTracker.prototype, "logPictures");
  await several().logPictures(pictures, 3);
  expect(taken.mock.calls).toEqual([[pictures, 3]]);
});

it("gives the others theirs when one fails, and throws its error", async () => {
  const tracker = several();
  await tracker.init(run.init);
  jest.spyOn(CsvTracker.prototype, "log").mockRejectedValue(new Error("disk full"));
  await expect(tracker.log({ update: 1, loss: 2 })).rejects.toThrow("disk full");
  expect(existsSync(join(run.path, "own.jsonl"))).toBe(true);
});

it("names the place of a mistake in one of the configs", () => {
  const parsed = MultiTrackerConfig.safeParse({
    kind: "noether.core.trackers.MultiTracker",
    trackers: [{ kind: "noether.core.trackers.TensorboardTracker", flush_secs: -1 }],
  });
  expect(parsed.error?.issues[0]?.path).toEqual(["trackers", 0, "flush_secs"]);
});
