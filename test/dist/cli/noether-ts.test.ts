import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "./run-cli";

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(packageRoot, "dist/cli/noether-ts.js"), ...args], { encoding: "utf8" });
  return { code: status, stdout, stderr };
};

test.each([["help"], ["--help"], ["-h"]])("%s lists the subcommands", (word) => {
  const { code, stdout, stderr } = run(word);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^Usage: noether-ts <command>\n\n {2}init .*\n {2}development .*\n {2}train-submit-job .*\n {2}doctor .*\n {2}setup .*\n/);
});

test("without a command: the usage on stderr, and the exit code of bad usage", () => {
  const { code, stdout, stderr } = run();
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("Usage: noether-ts <command>");
});

test.each([
  ["docter", 'did you mean "doctor"?'],
  ["toString", 'known: "init", "development", "train-submit-job", "doctor", "setup"'],
])("%s is no command", (name, hint) => {
  const { code, stdout, stderr } = run(name);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`expected a command, got "${name}"; ${hint}`);
});
