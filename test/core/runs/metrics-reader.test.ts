import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MetricsReader, namesOf, seriesOf, THROUGHPUT } from "../../../lib/core/runs";
import { Float } from "../../../lib/torch";
import { writeTorchFile } from "../../../lib/core/writers";
import { temporaryFolder } from "../../support/small-run";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, "tracker", "metrics.jsonl");
  mkdirSync(join(folder.path, "tracker"));
});
afterEach(() => folder.remove());

const line = (update: number, values: object) =>
  `${JSON.stringify({ epoch: 1, update, sample: 4 * update, ...values })}\n`;

test("metrics come in as they are written, half a line when it is whole", async () => {
  const reader = new MetricsReader(folder.path);
  expect((await reader.refresh()).length).toBe(0);
  writeFileSync(path, `${line(1, { loss: 3, note: "text" })}${line(2, { loss: "NaN" })}{"update": 3, "lo`);
  let table = await reader.refresh();
  expect([[...table.series("loss")!.x], [...table.series("loss")!.y]]).toEqual([
    [1, 2],
    [3, NaN],
  ]);
  expect(table.keys()).toEqual(["loss"]);
  appendFileSync(path, `ss": 1}\n`);
  table = await reader.refresh();
  expect([...table.series("loss")!.y]).toEqual([3, NaN, 1]);
});

test("a run that goes on from a checkpoint replaces its file, and is read anew", async () => {
  const reader = new MetricsReader(folder.path);
  writeFileSync(path, line(1, { loss: 1 }) + line(2, { loss: 2 }));
  await reader.refresh();
  writeFileSync(`${path}.new`, line(1, { loss: 1 }) + line(2, { loss: 20 }) + line(3, { loss: 30 }));
  renameSync(`${path}.new`, path);
  expect([...(await reader.refresh()).series("loss")!.y]).toEqual([1, 20, 30]);
});

test("files larger than what is read at a time lose no line, nor break a character of several bytes", async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => line(i, { [`fläche ${"ü".repeat(20)}`]: i }));
  writeFileSync(path, lines.join(""));
  const table = await new MetricsReader(folder.path).refresh();
  expect(table.keys()).toHaveLength(1);
  expect([...table.series(table.keys()[0]!)!.y]).toEqual(Array.from({ length: 30_000 }, (_, i) => i));
});

test("a damaged line takes no others with it", async () => {
  writeFileSync(path, `${line(1, { a: 1 })}{"update": \n${line(2, { a: 2 })}`);
  expect([...(await new MetricsReader(folder.path).refresh()).series("a")!.y]).toEqual([1, 2]);
});

test("metrics that begin late or have gaps are at their updates", async () => {
  writeFileSync(path, [line(1, { a: 1 }), line(2, { b: 5 }), line(3, { a: 3, b: 6 }), line(4, { a: 4 })].join(""));
  const table = await new MetricsReader(folder.path).refresh();
  expect([...table.series("a")!.x]).toEqual([1, 3, 4]);
  expect([...table.series("b", "sample")!.x]).toEqual([8, 12]);
});

test("of one metric at several intervals the finest is taken; times are seconds from the first entry", async () => {
  writeFileSync(
    path,
    [line(1, { "loss/U1": 1, _timestamp: 100 }), line(2, { "loss/U1": 2, "loss/E1": 9, _timestamp: 101.5 })].join(""),
  );
  const table = await new MetricsReader(folder.path).refresh();
  expect(namesOf(table)).toEqual(["loss"]);
  expect([[...seriesOf(table, "loss", "time")!.x], [...seriesOf(table, "loss")!.y]]).toEqual([
    [0, 1.5],
    [1, 2],
  ]);
});

test("throughput is samples over the time of an update and of waiting for its data", async () => {
  writeFileSync(path, line(10, { "train_time/update/mean/U10": 0.3, "train_time/data_wait/mean/U10": 0.1 }));
  const table = await new MetricsReader(folder.path).refresh();
  expect(namesOf(table)).toContain(THROUGHPUT);
  expect(seriesOf(table, THROUGHPUT)!.y[0]).toBeCloseTo(4 / 0.4, 9);
});

test("entries.th, which the Python framework leaves, is read where there are no lines", async () => {
  const entries = new Map<string, Map<number, unknown>>([
    ["epoch", new Map([[10, 1]])],
    [
      "loss/online/total/E1",
      new Map([
        [20, new Float(0.5)],
        [10, new Float(1)],
      ]),
    ],
  ]);
  writeTorchFile(join(folder.path, "tracker", "entries.th"), entries);
  const table = await new MetricsReader(folder.path).refresh();
  const { x, y } = seriesOf(table, "loss/online/total")!;
  expect([[...x], [...y]]).toEqual([
    [10, 20],
    [1, 0.5],
  ]);
});
