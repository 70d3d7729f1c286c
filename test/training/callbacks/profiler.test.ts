import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { profilerAction, PyTorchProfilerCallbackConfig } from "../../../lib/training";
import { smallRun, temporaryFolder } from "../../support/small-run";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const kind = "noether.training.callbacks.profiler.PyTorchProfilerCallback";

/** Names of the events of each file, of 9 updates. */
async function traces(options: object, runId: string): Promise<string[][]> {
  const { trainer, model, pathProvider } = smallRun({
    outputRootPath: folder.path,
    runId,
    trainer: { callbacks: [{ kind, every_n_epochs: 1, ...options }] },
  });
  await trainer.train(model);
  const path = join(pathProvider.runOutputPath, "profiler");
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .sort()
    .map((file) => {
      expect(file).toMatch(new RegExp(`^${hostname()}_${process.pid}\\.\\d{19}\\.pt\\.trace\\.json$`));
      const { traceEvents } = JSON.parse(readFileSync(join(path, file), "utf8")) as {
        traceEvents: { name: string; ph: string }[];
      };
      return traceEvents.filter(({ ph }) => ph === "X").map(({ name }) => name);
    });
}
const steps = (names: readonly string[]) => names.filter((name) => name.startsWith("ProfilerStep#")).sort();

// as torch.profiler.schedule(wait=1, warmup=1, active=3, repeat=…)
test.each([
  [1, "none warmup record record record_and_save none none none none none none"],
  [2, "none warmup record record record_and_save none warmup record record record_and_save none"],
  [0, "none warmup record record record_and_save none warmup record record record_and_save none"],
])("schedule with repeat %i", (repeat, expected) => {
  const actions = Array.from({ length: 11 }, (_, step) =>
    profilerAction(step, { wait: 1, warmup: 1, active: 3, repeat }),
  );
  expect(actions).toEqual(expected.split(" "));
});

test("the updates of a cycle, forward and backward", async () => {
  const [names, ...others] = await traces({}, "once");
  expect(others).toEqual([]);
  expect(steps(names!)).toEqual(["ProfilerStep#2", "ProfilerStep#3", "ProfilerStep#4"]);
  expect(names!.filter((name) => name === "aten::tanh")).toHaveLength(3);
  expect(names!.some((name) => name.includes("TanhBackward"))).toBe(true);
});

test("a file for each cycle, also for the one that training ends in", async () => {
  const files = await traces({ wait: 1, warmup: 0, active: 3, repeat: 0 }, "cycles");
  expect(files.map(steps)).toEqual([
    ["ProfilerStep#1", "ProfilerStep#2", "ProfilerStep#3"],
    ["ProfilerStep#5", "ProfilerStep#6", "ProfilerStep#7"],
    ["ProfilerStep#9"],
  ]);
});

test("cycles without a pause", async () => {
  const files = await traces({ wait: 0, warmup: 0, active: 4, repeat: 2 }, "dense");
  expect(files.map((names) => steps(names).length)).toEqual([4, 4]);
});

test("a run that ends in a warm-up has no file, and the next one can record", async () => {
  expect(await traces({ wait: 8, warmup: 5, active: 1 }, "warm")).toEqual([]);
  expect(await traces({ wait: 0, warmup: 0, active: 1 }, "after")).toHaveLength(1);
});

test("after a run that failed the next one can record", async () => {
  const callbacks = [{ kind, every_n_epochs: 1, wait: 0, active: 100 }];
  const { trainer, model } = smallRun({ outputRootPath: folder.path, runId: "failed", trainer: { callbacks } });
  const { lossCompute } = trainer;
  let updates = 0;
  trainer.lossCompute = (...args) => {
    if (updates++ === 4) throw new RangeError("no");
    return lossCompute.apply(trainer, args);
  };
  await expect(trainer.train(model)).rejects.toThrow(RangeError);
  expect(await traces({ wait: 0, warmup: 0, active: 1 }, "recovered")).toHaveLength(1);
});

test.each([
  [{ wait: -1 }, "wait: expected an integer >= 0"],
  [{ active: 0 }, "active: expected an integer >= 1"],
  [{ trace_subdir: "../out" }, "trace_subdir: expected a folder in that of the run"],
  [{ profile_cpu: false, profile_cuda: false }, ": expected profile_cpu or profile_cuda"],
  [{ activities: ["cpu"] }, "activities: unknown key"],
  [{ every_n_epochs: null }, ": expected exactly one of every_n_epochs"],
])("%j", (options, problem) => {
  const problems = PyTorchProfilerCallbackConfig.safeParse({ kind, every_n_epochs: 1, ...options }).error?.issues.map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );
  expect(problems).toEqual([expect.stringContaining(problem)]);
});
