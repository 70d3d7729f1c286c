import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { composeConfig } from "../../lib/config";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { expandSweeps, planSweep, separateRuns } from "../../lib/cli/multirun";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "noether-"));
  writeFileSync(join(folder, "plain.yaml"), "lr: 1\n");
  writeFileSync(join(folder, "named.yaml"), "lr: 1\nrun_id: sweep_${lr}\n");
  writeFileSync(join(folder, "fixed.yaml"), "lr: 1\nrun_id: fixed\n");
});
afterAll(() => rmSync(folder, { recursive: true }));
const jobs = (file: string, ...overrides: string[]) => {
  const args = parseHydraArguments([join(folder, file), "-m", ...overrides]);
  return separateRuns(args, expandSweeps(args)).map((job) => job.join(" "));
};

describe("the jobs of a sweep", () => {
  test("with one run id get folders of their own", () => {
    expect(jobs("plain.yaml", "lr=1,2", "+run_id=x")).toEqual([
      "lr=1 +run_id=x ++run_id=x/0",
      "lr=2 +run_id=x ++run_id=x/1",
    ]);
    expect(jobs("fixed.yaml", "lr=1,2")).toEqual(["lr=1 ++run_id=fixed/0", "lr=2 ++run_id=fixed/1"]);
    const args = parseHydraArguments([join(folder, "plain.yaml"), "-m", "lr=1,2", "+run_id='a b,c'"]);
    const ids = separateRuns(args, expandSweeps(args)).map(
      (overrides) => composeConfig({ ...args, overrides }).plain["run_id"],
    );
    expect(ids).toEqual(["a b,c/0", "a b,c/1"]);
  });

  test("without run id, or with different ones, keep theirs", () => {
    expect(jobs("plain.yaml", "lr=1,2")).toEqual(["lr=1", "lr=2"]);
    expect(jobs("plain.yaml", "+run_id=a,b")).toEqual(["+run_id=a", "+run_id=b"]);
    expect(jobs("named.yaml", "lr=1,2")).toEqual(["lr=1", "lr=2"]);
  });

  test("of which some share an id are told apart by their numbers", () => {
    expect(jobs("plain.yaml", "+run_id=a,b", "lr=1,2")).toEqual([
      "+run_id=a lr=1 ++run_id=a/0",
      "+run_id=a lr=2 ++run_id=a/1",
      "+run_id=b lr=1 ++run_id=b/2",
      "+run_id=b lr=2 ++run_id=b/3",
    ]);
  });

  test("whose config cannot be composed are left to say so themselves", () => {
    expect(jobs("plain.yaml", "+lr=1,2", "+run_id=x")).toEqual(["+lr=1 +run_id=x", "+lr=2 +run_id=x"]);
  });
});

describe("a sweep on this machine", () => {
  const plan = (file: string, overrides: string[], options = {}) =>
    planSweep(
      parseHydraArguments([join(folder, file), "-m", "+output_path=" + join(folder, "out"), ...overrides]),
      options,
    );
  const last = (jobs: readonly string[][]) => jobs.map((job) => job.at(-1));

  test("without run_id has a new id, below which the runs are", () => {
    const { folder: own, jobs, overrides } = plan("plain.yaml", ["lr=1,2"]);
    const id = own!.slice(join(folder, "out").length + 1);
    expect(id).toMatch(/^\d{4}-\d\d-\d\d_[a-z0-9]{5}$/);
    expect(last(jobs)).toEqual([`++run_id=${id}/0`, `++run_id=${id}/1`]);
    expect(last(overrides)).toEqual(["lr=1", "lr=2"]);
    expect(last(plan("plain.yaml", ["lr=1"]).jobs)[0]).toMatch(/^\+\+run_id=.*\/0$/);
  });

  test("with one run_id has its folder, with several a new one for the table", () => {
    expect(plan("fixed.yaml", ["lr=1,2"]).folder).toBe(join(folder, "out", "fixed"));
    expect(plan("fixed.yaml", ["lr=1,2", "+debug=true"]).folder).toBe(join(folder, "out", "debug", "fixed"));
    const { folder: own, jobs } = plan("named.yaml", ["lr=1,2"]);
    expect(own).toMatch(/_[a-z0-9]{5}$/);
    expect(last(jobs)).toEqual(["lr=1", "lr=2"]);
  });

  test("of evaluations keeps the ids of the runs", () => {
    const { folder: own, jobs } = plan("fixed.yaml", ["lr=1,2"], { keepsIds: true });
    expect(own).toMatch(/_[a-z0-9]{5}$/);
    expect(last(jobs)).toEqual(["lr=1", "lr=2"]);
  });

  test("does not replace the results of another", () => {
    mkdirSync(join(folder, "out", "fixed"), { recursive: true });
    writeFileSync(join(folder, "out", "fixed", "results.csv"), "");
    expect(() => plan("fixed.yaml", ["lr=1,2"])).toThrow(/expected the id of a new sweep, received "fixed"/);
  });
});
