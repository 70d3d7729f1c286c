import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot, runCli } from "./cli/run-cli";

/** What docs/migrating-from-python.md shows, with the classes of docs/config.md. */
const pageOf = (name: string) => readFileSync(join(packageRoot, "docs", name), "utf8");
const blockOf = (page: string, language: string, file: string) =>
  new RegExp(`\`\`\`${language}\\n(?:#|//) ${file}\\n([\\s\\S]*?)\`\`\``).exec(page)![1]!;

const page = pageOf("migrating-from-python.md");
const old = blockOf(page, "yaml", "old.yaml");
const report = /```text\n([\s\S]*?)```/.exec(page)![1]!.trim().split("\n");

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "noether-page-"));
  writeFileSync(join(project, "kinds.ts"), blockOf(pageOf("config.md"), "ts", "kinds.ts"));
  writeFileSync(join(project, "old.yaml"), old);
});
afterAll(() => rmSync(project, { recursive: true }));

test("the old config trains, with the report that the page shows; what it leaves is not old any more", () => {
  const { code, stderr } = runCli("noether-train", ["old.yaml", "+run_id=old"], project);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const lines = stderr.split("\n").map((line) => line.replace(/^\S+ (?=read )/, ""));
  expect(lines).toEqual(expect.arrayContaining(report));
  expect(lines.filter((line) => line.includes("old.yaml:"))).toEqual(report.slice(1));

  const stored = readFileSync(join(project, "outputs/old/hp_resolved.yaml"), "utf8");
  expect(stored).toMatch(/dataset_normalizers:/);
  expect(stored).not.toMatch(/ normalizers:|job_name/);
  const evaluation = runCli("noether-eval", ["+input_dir=outputs", "+run_id=old"], project);
  expect(evaluation).toMatchObject({ code: 0 });
  expect(evaluation.stderr).not.toContain("of release 1.1");
});

test("the stored config of an old run is read, with a report", () => {
  runCli("noether-train", ["old.yaml", "+run_id=stored"], project);
  const path = join(project, "outputs/stored/hp_resolved.yaml");
  const stored = readFileSync(path, "utf8");
  writeFileSync(path, stored.replace("dataset_normalizers:", "normalizers:").replace("slurm_partition:", "partition:"));
  const { code, stderr } = runCli("noether-eval", ["+input_dir=outputs", "+run_id=stored"], project);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/read 2 keys of release 1\.1/);
  expect(stderr).toMatch(/hp_resolved\.yaml:\d+: datasets\.train\.normalizers: is dataset_normalizers now/);
});

test("a key in both forms is an error that names both places", () => {
  const both = old.replace("    normalizers:", "    dataset_normalizers: {}\n    normalizers:");
  writeFileSync(join(project, "both.yaml"), both);
  const { code, stderr } = runCli("noether-train", ["both.yaml"], project);
  expect(code).toBe(1);
  expect(stderr).toMatch(/both\.yaml:1\d: datasets\.train\.normalizers: expected this or "dataset_normalizers".*both\.yaml:12/);
});
