import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot, project } from "./run-cli";

const run = (command: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(packageRoot, "dist/cli", `${command}.js`), ...args], { encoding: "utf8" });
  return { code: status, stdout, stderr };
};
const { bin, version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { bin: Record<string, string>; version: string };
const subcommands = ["init", "development", "train-submit-job", "predict", "dashboard", "evaluate", "export", "data", "doctor", "setup"];
const all = [...Object.keys(bin).map((name) => [name]), ...subcommands.map((name) => ["noether-ts", name])] as [string, ...string[]][];

test("every command is in the package", () => {
  const commands = readdirSync(join(packageRoot, "lib/cli")).filter((name) => name.startsWith("noether-")).map((name) => name.replace(".ts", ""));
  expect(Object.keys(bin).sort()).toEqual(commands.sort());
});

test.each(all)("%s %s: --help fits a narrow terminal, and says the exit codes", (...words) => {
  const { code, stdout, stderr } = run(...words, "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^Usage: (npx )?(noether-|npm run setup)/);
  if (words[0] !== "noether-ts" || words.length > 1) expect(stdout).toContain("Exit codes: 0 ");
  // a path is as long as it is
  const lines = stdout.split("\n").filter((line) => !line.startsWith("Configs: /"));
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test.each(["noether-ts", "noether-train", "noether-init", "noether-train-submit-job"])("%s without arguments: the usage on stderr, and the exit code of bad usage", (command) => {
  const { code, stdout, stderr } = run(command);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^Usage: noether-/);
});

test.each([["noether-ts"], ["noether-train"], ["noether-init"], ["noether-ts", "doctor"], ["noether-ts", "setup"]] as [string, ...string[]][])("%s %s: an option that there is not", (...words) => {
  const { code, stdout, stderr } = run(...words, "--nope");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/--nope/);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test.each(["noether-ts", "noether-init", "noether-train"])("%s --version", (command) => {
  expect(run(command, "--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test.each([
  ["docter", 'did you mean "doctor"?'],
  ["toString", 'known: "init", "development"'],
])("%s is no command", (name, hint) => {
  const { code, stdout, stderr } = run("noether-ts", name);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`noether-ts: error: there is no command "${name}"; ${hint}`);
});

test.each([
  ["noether-train", "configs"],
  ["noether-train", "trainer.max_epochs=1"],
  ["noether-development", "x=1"],
  ["noether-train-submit-job", "x=1"],
])("%s %s: says that a config file belongs there", (command, word) => {
  const { code, stderr } = run(command, word);
  expect(code).toBe(2);
  expect(stderr).toMatch(/error: expected a config file \(\.yaml\)/);
});

test("a result that cannot be written is a failure, one that nobody reads to its end is none", () => {
  const shell = (redirection: string) => spawnSync("bash", ["-c", `set -o pipefail; "$@" ${redirection}`, "bash", process.execPath, join(packageRoot, "dist/cli/noether-train.js"), "configs/train.yaml", "--cfg", "job"], { cwd: project, encoding: "utf8" });
  const full = shell("> /dev/full");
  expect(full.status).toBe(1);
  expect(full.stderr).toMatch(/cannot write to standard output: .*ENOSPC/);
  expect(shell("| true")).toMatchObject({ status: 0, stderr: "" });
});
