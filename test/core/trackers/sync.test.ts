import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MlflowTracker, MlflowTrackerConfig, syncRun } from "../../../lib/core/trackers";
import { jsonServer, type Received } from "../../support/json-server";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
beforeEach(() => (run = trackedRun()));
afterEach(() => run.remove());

const answer = ({ path }: Received): readonly [number, unknown] => {
  if (path.includes("get-by-name")) return [200, { experiment: { experiment_id: "7" } }];
  return [200, path.endsWith("runs/create") ? { run: { info: { run_id: "abc" } } } : {}];
};
const hyperparameters = (tracker: object, runId = "r1") => {
  mkdirSync(run.path, { recursive: true });
  writeFileSync(join(run.path, "hp_resolved.yaml"), JSON.stringify({ run_id: runId, stage_name: null, tracker }));
};

it("sends what a server that refused did not get, with the summary of the run", async () => {
  let isUp = false;
  const server = await jsonServer((request) => (isUp ? answer(request) : [403, { message: "closed" }]));
  try {
    const config = { kind: "noether.core.trackers.MlflowTracker", tracking_uri: server.url };
    const tracker = new MlflowTracker(MlflowTrackerConfig.parse(config), run.dependencies);
    jest.spyOn(tracker.logger, "warning").mockImplementation(() => undefined);
    await tracker.init(run.init);
    await tracker.log({ update: 3, loss: 0.5 });
    await tracker.setSummary("loss/min", 0.5);
    await tracker.close();
    hyperparameters(config);
    expect(await syncRun(run.path)).toEqual([
      { service: "mlflow", sent: null, problem: expect.stringContaining("answered 403") as string },
    ]);
    isUp = true;
    expect(await syncRun(run.path)).toEqual([{ service: "mlflow", sent: { updates: 1, pictures: 0 }, problem: null }]);
    expect(await syncRun(run.path)).toEqual([{ service: "mlflow", sent: { updates: 0, pictures: 0 }, problem: null }]);
    const bodies = server.received.map(({ body }) => JSON.stringify(body));
    expect(bodies.filter((body) => body?.includes('"loss","value":0.5'))).toHaveLength(1);
    expect(bodies.filter((body) => body?.includes('"loss/min","value":0.5'))).toHaveLength(2);
    expect(bodies.filter((body) => body?.includes('"start_time"'))).toHaveLength(1);
    expect(bodies.at(-1)).toContain('"status":"FINISHED"');
  } finally {
    await server.close();
  }
});

it("finds a run of a sweep, whose id is two folders deep, and its stage", async () => {
  const folder = join(run.path, "train");
  mkdirSync(folder, { recursive: true });
  const tracker = { kind: "noether.core.trackers.CsvTracker" };
  const runId = run.path.split("/").slice(-2).join("/");
  const stored = { run_id: runId, stage_name: "train", tracker };
  writeFileSync(join(folder, "hp_resolved.yaml"), JSON.stringify(stored));
  // past the check of the folder's name
  await expect(syncRun(folder)).rejects.toThrow(`the tracker of run ${runId} is no service`);
});

it("says what is wrong with a folder", async () => {
  await expect(syncRun(join(run.path, "x"))).rejects.toThrow("expected the folder of a run: there is no");
  hyperparameters({ kind: "noether.core.trackers.CsvTracker" });
  await expect(syncRun(run.path)).rejects.toThrow("the tracker of run r1 is no service");
  hyperparameters({ kind: "noether.core.trackers.CsvTracker" }, "other");
  await expect(syncRun(run.path)).rejects.toThrow("to be the folder of run other");
});
