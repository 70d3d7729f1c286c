/** Paths of the fixtures, and the reference Python where there is one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { python } from "../../support/python";

export const fixtures = join(__dirname, "fixtures");
export const golden = join(__dirname, "../../golden");

interface Expected {
  checkpoints: Record<string, unknown>;
  safetensors: Record<string, unknown>;
}

export const expected = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8")) as Expected;

export { python };

/** Runs a script of the fixtures folder and parses what it prints. */
export function runPython<T>(script: string, ...args: string[]): T {
  return JSON.parse(
    execFileSync(python!, ["-W", "ignore", join(fixtures, script), ...args], { encoding: "utf8", maxBuffer: 2 ** 28 }),
  ) as T;
}

/** A folder that is gone after the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "noether-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
