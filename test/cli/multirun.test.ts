import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { composeConfig } from "../../lib/config";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { expandSweeps, separateRuns } from "../../lib/cli/multirun";

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
