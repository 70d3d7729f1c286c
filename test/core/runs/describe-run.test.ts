import { appendFileSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  describeRun,
  findRuns,
  flattenConfig,
  pictureFile,
  PICTURES,
  readPictures,
  readRunConfig,
} from "../../../lib/core/runs";
import { ownMark } from "../../../lib/io/files/process-mark";
import { temporaryFolder } from "../../support/small-run";

let root: ReturnType<typeof temporaryFolder>;
beforeEach(() => (root = temporaryFolder()));
afterEach(() => root.remove());

/** A run's folder with files; `log.txt` is old. */
function run(id: string, files: Readonly<Record<string, string>>): string {
  const folder = join(root.path, id);
  mkdirSync(join(folder, "tracker"), { recursive: true });
  const all = { "log.txt": "2026-01-31T12:00:00 I begun\n", "hp_resolved.yaml": "name: wing\n", ...files };
  for (const [file, text] of Object.entries(all)) {
    writeFileSync(join(folder, file), text);
    utimesSync(join(folder, file), 1000, 1000);
  }
  return folder;
}
let count = 0;
const stateOf = async (files: Readonly<Record<string, string>>) =>
  (await describeRun(run(`run${count++}`, files))).state;

test("runs and sweeps at any depth, without what is inside of runs or behind links", async () => {
  run("2026_b/train", {});
  run("2026_a", { "hp_resolved.yaml": "" });
  run("2026_a/eval", {});
  run("2026_a/checkpoints/x", {});
  mkdirSync(join(root.path, "sweep", "0"), { recursive: true });
  writeFileSync(join(root.path, "sweep", "results.csv"), "lr,loss\n1,2\n");
  run("sweep/0", {});
  symlinkSync(root.path, join(root.path, "link"), "dir");
  const { runs, sweeps } = await findRuns(root.path);
  expect([...runs.keys()]).toEqual(["2026_a", "2026_a/eval", "2026_b/train", "sweep/0"]);
  expect([...sweeps.keys()]).toEqual(["sweep"]);
  expect([...(await findRuns(join(root.path, "2026_a"))).runs.keys()]).toEqual([".", "eval"]);
});

test("what has become of a run", async () => {
  const lock = { ".lock": JSON.stringify({ mark: ownMark, host: "h", pid: 1, since: "" }) };
  const dead = { ".lock": JSON.stringify({ mark: ownMark.replace(/\d+$/, "1"), host: "h", pid: 1, since: "" }) };
  const summary = { "tracker/summary.yaml": "a: 1\n" };
  const failure = { "log.txt": "2026-01-31T12:00:00 C E=1/2 U=3/4 the run failed:\nRuntimeError: no\n" };
  expect(await stateOf({ ...lock, ...summary })).toBe("running");
  expect(await stateOf({ ...dead })).toBe("stopped");
  const killed = run("killed", dead);
  appendFileSync(join(killed, "log.txt"), "just now\n");
  expect((await describeRun(killed)).state).toBe("stopped");
  const signal = { "log.txt": "2026-01-31T12:00:00 I E=1/2 U=3/4 to continue from here: resume_run_id: a\n" };
  expect(await stateOf({ ...summary, ...signal })).toBe("stopped");
  expect(await stateOf({ ...summary, ".lock": "" })).toBe("finished");
  expect(await stateOf({ ...summary, ...failure })).toBe("failed");
});

test("the last values of metrics, how far it is, and of which experiment", async () => {
  const folder = run("a", {
    "hp_resolved.yaml": "name: wing\ntrainer: { max_updates: 8 }\n",
    "tracker/metrics.jsonl": `{"update":1,"loss/online/total/U1":5}\n{"epoch":1,"update":2,"sample":8,"loss/online/total/U1":"NaN","_timestamp":50}\n`,
  });
  expect(await describeRun(folder)).toMatchObject({
    ...{ experiment: "wing", epoch: 1, update: 2, sample: 8, done: 0.25, updated: 50_000 },
    values: { "loss/online/total": NaN },
  });
});

test("a config is read without its secrets", async () => {
  const folder = run("a", {
    "hp_resolved.yaml": "tracker: { api_key: abc, url: 'https://me:pass@host/x' }\nlist: [{ lr: 0.1 }]\nempty: []\n",
  });
  expect(flattenConfig(await readRunConfig(folder))).toEqual({
    "tracker.api_key": "***REDACTED***",
    "tracker.url": "https://***REDACTED***@host/x",
    "list.0.lr": 0.1,
    empty: "[]",
  });
});

test("pictures by name and update; names lead nowhere else", async () => {
  const folder = run("a", {});
  for (const [update, shows] of [
    [20, "true"],
    [3, "predicted"],
    [20, "predicted"],
  ] as const) {
    const file = join(folder, PICTURES, pictureFile("test/0/p", update, shows));
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, "");
  }
  const sets = await readPictures(folder);
  expect(sets.map(({ name, update, files }) => [name, update, Object.keys(files).sort()])).toEqual([
    ["test/0/p", 3, ["predicted"]],
    ["test/0/p", 20, ["predicted", "true"]],
  ]);
  expect(pictureFile("../a b/..", 1, "x/y")).toBe("_/a_b/_/U00000001_x_y.png");
});
