import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { CsvTracker, CsvTrackerConfig } from "../../../lib/core/trackers";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
beforeEach(() => (run = trackedRun()));
afterEach(() => run.remove());

async function started() {
  const tracker = new CsvTracker(
    CsvTrackerConfig.parse({ kind: "noether.core.trackers.CsvTracker" }),
    run.dependencies,
  );
  await tracker.init(run.init);
  return tracker;
}
const table = () => readFileSync(join(run.path, "metrics.csv"), "utf8");

it("has a row for each update; columns that come later are empty before", async () => {
  const tracker = await started();
  await tracker.log({ update: 1, loss: 0.5 });
  await tracker.log({ update: 2, loss: NaN, 'a,"b"': "x\ny" });
  await tracker.log({ update: 3, loss: -Infinity });
  expect(table()).toBe('update,loss,"a,""b"""\n1,0.5,\n2,nan,"x\ny"\n3,-inf,\n');
});

it("of a run that goes on keeps the rows before, quotes included", async () => {
  const first = await started();
  await first.log({ update: 1, note: 'a,"b"\n' });
  await first.log({ update: 2, note: "late" });
  const second = await started();
  await second.log({ update: 2, loss: 1 });
  expect(table()).toBe('update,note,loss\n1,"a,""b""\n",\n2,,1\n');
});

it("does not write over a table that is not its own", async () => {
  mkdirSync(run.path, { recursive: true });
  writeFileSync(join(run.path, "metrics.csv"), "x,y\n1,2\n");
  await expect((await started()).log({ update: 1, loss: 1 })).rejects.toThrow('it has no column "update"');
  expect(table()).toBe("x,y\n1,2\n");
});
