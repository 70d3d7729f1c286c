import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resultsCsv, resultsTable, runMetrics, type SweepRow } from "../../../lib/cli/sweep/results";

const row = (run: number, keys: SweepRow["keys"], metrics: SweepRow["metrics"]): SweepRow => ({
  run,
  keys,
  status: "done",
  seconds: 61.23,
  path: `/out/s/${run}`,
  metrics,
});

describe("the table", () => {
  const rows = [
    row(0, { "optimizer.lr": "0.1", name: "x" }, { "loss/test/last": 0.5, "loss/test/min": 0.25, "optim/lr/last": 1 }),
    row(1, { "optimizer.lr": "0.01", name: "x" }, { "loss/online/total/last": 3, "loss/online/total/min": 2 }),
    { ...row(2, { "optimizer.lr": "1", name: "x" }, {}), status: "not run", seconds: null, path: null },
  ];

  test("has the keys that differ and the best values of metrics, those of callbacks first", () => {
    expect(resultsTable(rows, 200).split("\n")).toEqual([
      "run  optimizer.lr  status   time   loss/test/min  loss/online/total/min",
      "0    0.1           done     1m01s  0.25",
      "1    0.01          done     1m01s                 2",
      "2    1             not run",
      "",
    ]);
  });

  test("leaves out the metrics that do not fit", () => {
    expect(resultsTable(rows, 50).split("\n")[0]).toBe("run  optimizer.lr  status   time   loss/test/min");
    expect(resultsTable(rows, 10).split("\n")[0]).toBe("run  optimizer.lr  status   time");
  });
});

test("the CSV has all keys and metrics, in a form that pandas reads", () => {
  const rows = [row(0, { a: "[1,2]", status: "x" }, { "b/last": NaN }), row(1, { c: 'say "hi"' }, { "a/last": 1e-7 })];
  expect(resultsCsv(rows)).toBe(
    [
      "run,a,config.status,c,status,seconds,path,a/last,b/last",
      '0,"[1,2]",x,,done,61.2,/out/s/0,,nan',
      '1,,,"say ""hi""",done,61.2,/out/s/1,1e-7,',
      "",
    ].join("\n"),
  );
});

describe("metrics of a run", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "noether-"));
    mkdirSync(join(folder, "tracker"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("are its summary", () => {
    writeFileSync(
      join(folder, "tracker", "summary.yaml"),
      "loss/min: 0.5\nloss/last: 1.0\nnote: text\nbad/last: .nan\n",
    );
    expect(runMetrics(folder)).toEqual({ "loss/min": 0.5, "loss/last": 1, "bad/last": NaN });
  });

  test("of a run that failed are what it logged last", () => {
    writeFileSync(join(folder, "tracker", "summary.yaml"), "param_count/total: 3\n");
    writeFileSync(join(folder, "tracker", "metrics.jsonl"), '{"update":1,"loss":2}\n{"update":2,"x":"NaN"}\n{"upda');
    expect(runMetrics(folder)).toEqual({ "update/last": 2, "loss/last": 2, "x/last": NaN });
  });

  test("of a folder without any are none", () => expect(runMetrics(join(folder, "none"))).toEqual({}));
});
