import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartData } from "../../../lib/training/dashboard/charts";
import { RunCatalogue } from "../../../lib/training/dashboard/run-catalogue";
import { temporaryFolder } from "../../support/small-run";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const ids = Array.from({ length: 5 }, (_, i) => `run${i}`);
for (const id of ids) {
  mkdirSync(join(folder.path, id, "tracker"), { recursive: true });
  writeFileSync(join(folder.path, id, "hp_resolved.yaml"), "name: x\n");
  const lines = Array.from({ length: 1000 }, (_, u) => JSON.stringify({ update: u + 1, loss: u }));
  writeFileSync(join(folder.path, id, "tracker", "metrics.jsonl"), `${lines.join("\n")}\n`);
}
const request = { runs: ids, names: ["loss"], axis: "update", points: 50, smoothing: 0 } as const;

test("an answer does without runs that take too long to read, and each one has more of them", async () => {
  const catalogue = new RunCatalogue(folder.path);
  await catalogue.scan();
  const sizes: number[] = [];
  for (;;) {
    const { charts, pending } = await chartData(catalogue, request, 0);
    sizes.push(Object.keys(charts["loss"]!.runs).length);
    expect(sizes.at(-1)! + pending.length).toBe(ids.length);
    if (pending.length === 0) break;
  }
  expect(sizes).toEqual([1, 2, 3, 4, 5]);
});

test("metrics of runs that nobody looks at are forgotten where memory is short", async () => {
  const catalogue = new RunCatalogue(folder.path, 1);
  await catalogue.scan();
  await chartData(catalogue, { ...request, runs: ["run0", "run1"] });
  await chartData(catalogue, { ...request, runs: ["run2"] });
  expect(ids.map((id) => catalogue.isRead(id))).toEqual([false, false, true, false, false]);
});
