import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MetricsFile } from "../../../lib/core/trackers/metrics-file";
import { readMetrics } from "../../../lib/core/trackers/read-metrics";
import { tensor } from "../../../lib/torch";
import { temporaryFolder } from "../../support/small-run";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, "deep", "metrics.jsonl");
});
afterEach(() => folder.remove());

it("has a line of strict JSON for each update, and gives it back", () => {
  const file = new MetricsFile(path);
  file.append({
    update: 1,
    loss: NaN,
    best: -Infinity,
    flag: true,
    note: "a\nb",
    one: tensor(2),
    picture: tensor([1, 2]),
  });
  file.append({ update: 2, loss: 0.1 });
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(JSON.parse(lines[0]!)).toEqual({
    update: 1,
    loss: "NaN",
    best: "-Infinity",
    flag: true,
    note: "a\nb",
    one: 2,
  });
  expect(readMetrics(path)).toEqual([
    { update: 1, loss: NaN, best: -Infinity, flag: true, note: "a\nb", one: 2 },
    { update: 2, loss: 0.1 },
  ]);
});

it("of a run that goes on keeps what came before, and drops half a line", () => {
  const first = new MetricsFile(path);
  for (const update of [1, 2, 3]) first.append({ update, loss: update });
  appendFileSync(path, '{"update":4,"lo');
  const second = new MetricsFile(path);
  second.append({ update: 3, loss: 30 });
  second.append({ update: 4, loss: 40 });
  expect(readMetrics(path).map(({ loss }) => loss)).toEqual([1, 2, 30, 40]);
});
