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
export function runCli(command: `noether-${string}`, args: readonly string[], cwd: string = project): CliResult {
  // one thread: the models are tiny, and other tests want the processor
  const env = { OMP_NUM_THREADS: "1", ...process.env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script(command), ...args], { cwd, encoding: "utf8", env });
  return { code: status, stdout, stderr };
}

const started = new Set<ChildProcess>();

/** Starts a built command. It ends with the test file at the latest: a test that fails must leave no run behind. */
export function startCli(
  command: `noether-${string}`,
  args: readonly string[],
  cwd: string = project,
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  const child = spawn(process.execPath, [script(command), ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  started.add(child);
  return child;
}

afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
});
