/** Programs in processes of their own, on the built package: for what may end a process, or measures one. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** The built `noether-ts/torch`. */
export const torchPath = join(__dirname, "..", "..", "dist", "torch", "index.js");

/** What `node --require` takes for programs in TypeScript: they run on the built package where they import lib/. */
export const builtPackage = join(__dirname, "built.cjs");

/** What became of the process. */
export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a CommonJS program in which `T` is the torch layer and `turn()` lets the event loop turn once.
 *
 * @param limits.kilobytes of address space, as `ulimit -v` counts it.
 */
export function runProgram(program: string, limits: { readonly kilobytes?: number } = {}): Ended {
  const source = `const T = require(${JSON.stringify(torchPath)});
const turn = () => new Promise((resolve) => setImmediate(resolve));
(async () => { ${program} })().catch((error) => { console.error(error); process.exitCode = 1; });`;
  const node = [process.execPath, "--expose-gc", "-e", source];
  const [command, ...args] =
    limits.kilobytes === undefined ? node : ["bash", "-c", `ulimit -v ${limits.kilobytes}; exec "$@"`, "bash", ...node];
  // One thread: on a machine with other work, threads that wait for each other take most of the time.
  const env = { ...process.env, OMP_NUM_THREADS: "1" };
  const { status, signal, stdout, stderr } = spawnSync(command!, args, { encoding: "utf8", timeout: 300_000, env });
  return { status, signal, stdout, stderr };
}

/** The lines that a program printed; fails where it ended otherwise than well. */
export function printed(program: string, limits?: { readonly kilobytes?: number }): string[] {
  const { status, signal, stdout, stderr } = runProgram(program, limits);
  if (status !== 0) throw new Error(`the process ended with ${signal ?? status} after "${stdout}": ${stderr}`);
  return stdout.trimEnd().split("\n");
}
