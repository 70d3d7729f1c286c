import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ArrayTask, arrayFolder } from "../../../lib/cli/sweep/array-task";
import { temporaryFolder } from "../../support/small-run";

let folder: ReturnType<typeof temporaryFolder>;
let printed: string;
beforeEach(() => {
  folder = temporaryFolder();
  printed = "";
  jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  jest.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  jest.restoreAllMocks();
  folder.remove();
});

const environment = (index: number) => ({
  SLURM_ARRAY_JOB_ID: "4711",
  SLURM_ARRAY_TASK_ID: String(index),
  NOETHER_SWEEP_RUNS: "3",
});
const task = (index: number) => ArrayTask.of(environment(index), [`optimizer.lr=${index}`])!;
const paths = (index: number, runId = `4711_${index}`) => {
  const runOutputPath = join(folder.path, runId);
  return { outputRoot: folder.path, runId, runOutputPath, debug: false };
};
/** Starts a run that logs something. */
function started(index: number): ArrayTask {
  const each = task(index);
  mkdirSync(paths(index).runOutputPath, { recursive: true });
  writeFileSync(join(paths(index).runOutputPath, "log.txt"), "begun\n");
  each.start(paths(index));
  return each;
}
/** What a run that has ended leaves. */
function finish(index: number, summary: string): void {
  const tracker = join(paths(index).runOutputPath, "tracker");
  mkdirSync(tracker, { recursive: true });
  writeFileSync(join(tracker, "summary.yaml"), summary);
}
const rows = (id = "4711") =>
  readFileSync(join(folder.path, id, "results.csv"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
const column = (name: string) => {
  const [header, ...others] = rows();
  return others.map((row) => row[header!.indexOf(name)]);
};

it("the table has all runs from the start of the first one on, and the last one prints it", async () => {
  const first = started(0);
  finish(0, "loss/min: 0.5\nloss/last: .inf\n");
  await first.end(false);
  expect(column("status")).toEqual(["done", "not run", "not run"]);
  const [second, third] = [started(1), started(2)];
  finish(2, "loss/min: 0.25\nloss/last: 0.75\n");
  await third.end(false);
  expect(printed).toBe("");
  await second.end(true);
  expect(column("status")).toEqual(["done", "failed", "done"]);
  expect(column("optimizer.lr")).toEqual(["0", "1", "2"]);
  expect(column("loss/min")).toEqual(["0.5", "", "0.25"]);
  expect(column("loss/last")).toEqual(["inf", "", "0.75"]);
  expect(printed.split("\n")[0]).toMatch(/^run +optimizer\.lr +status/);
});

it("tasks that end at the same time leave no row out", async () => {
  const tasks = [0, 1, 2].map(started);
  for (const index of tasks.keys()) finish(index, "a/last: 1\n");
  await Promise.all(tasks.map((each) => each.end(false)));
  expect(column("status")).toEqual(["done", "done", "done"]);
  expect(printed).not.toBe("");
});

it("a run whose process is gone without a word is not running", async () => {
  const gone = task(0);
  gone.start(paths(0)); // without lock or log
  const other = started(1);
  finish(1, "a/last: 1\n");
  await other.end(false);
  expect(column("status")).toEqual(["stopped", "done", "not run"]);
});

it("is where the runs are that share an id, else called as the job", () => {
  expect(arrayFolder(paths(2, "lr/2"), 2, "4711")).toBe(join(folder.path, "lr"));
  expect(arrayFolder(paths(2), 2, "4711")).toBe(join(folder.path, "4711"));
  expect(arrayFolder({ ...paths(2), debug: true }, 2, "4711")).toBe(join(folder.path, "debug", "4711"));
});

it("a folder that cannot be written ends no run", async () => {
  writeFileSync(join(folder.path, "4711"), "in the way");
  const each = task(0);
  each.start(paths(0));
  await expect(each.end(false)).resolves.toBeUndefined();
  expect(jest.mocked(console.error).mock.calls[0]![0]).toMatch(/^no results of the sweep were written: /);
});

it.each([{}, { SLURM_ARRAY_JOB_ID: "1", SLURM_ARRAY_TASK_ID: "0" }, { ...environment(3) }])(
  "other processes are no tasks of a sweep (%j)",
  (variables) => expect(ArrayTask.of(variables, [])).toBeNull(),
);
