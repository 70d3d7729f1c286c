import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { NoopTracker } from "../../../lib/core/trackers";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
beforeEach(() => (run = trackedRun()));
afterEach(() => run.remove());
const paths = () => run.dependencies.pathProvider;

it("tracker/config.yaml: its keys in their order, lists as mappings at every depth", async () => {
  const tracker = new NoopTracker(run.dependencies);
  const pairs = { pairs: [[1, { of: ["a"] }]], none: [] };
  await tracker.init({ ...run.init, stageHp: pairs });
  const config = parse(readFileSync(paths().basetrackerConfigUri, "utf8")) as Record<string, unknown>;
  expect(Object.keys(config).slice(0, 7)).toEqual(
    ["run_name", "stage_name", "hp", "accelerator", "dist/world_size", "dist/nodes", "dist/hostname"], // prettier-ignore
  );
  expect(config).toMatchObject({ stage_name: "default", "dist/world_size": "1" });
  expect(config["hp"]).toEqual({ pairs: { "0": { "0": 1, "1": { of: { "0": "a" } } } }, none: {} });
});

it("tracker/summary.yaml: sorted, with NaN and infinity as YAML has them", async () => {
  const tracker = new NoopTracker(run.dependencies);
  await tracker.init(run.init);
  await tracker.updateSummary({ b: NaN, a: Infinity });
  await tracker.setSummary("c", 1.5);
  expect(existsSync(paths().basetrackerSummaryUri)).toBe(false);
  await tracker.close();
  expect(readFileSync(paths().basetrackerSummaryUri, "utf8")).toBe("a: .inf\nb: .nan\nc: 1.5\n");
});
