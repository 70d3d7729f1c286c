import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { join } from "node:path";

export const packageRoot = join(__dirname, "../../..");
/** A project as a user would write it. */
export const project = join(__dirname, "project");

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const script = (command: string) => join(packageRoot, "dist/cli", `${command}.js`);

/** Runs a built command to its end. */
export function runCli(command: "noether-train" | "noether-eval", args: readonly string[], cwd: string = project): CliResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script(command), ...args], { cwd, encoding: "utf8" });
  return { code: status, stdout, stderr };
}

/** Starts a built command. */
export function startCli(command: "noether-train", args: readonly string[], cwd: string = project): ChildProcess {
  return spawn(process.execPath, [script(command), ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
}
