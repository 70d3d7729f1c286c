/** Programs on the built lib/io in processes of their own: for what a kill leaves behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const started = new Set<ChildProcess>();

/** Starts a program in which `io` is the built lib/io; it ends with the test file at the latest. */
export function startIo(program: string, environment: Record<string, string> = {}): ChildProcess {
  const source = `const io = require(${JSON.stringify(join(root, "dist", "io"))});
(async () => { ${program} })().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });`;
  const child = spawn(process.execPath, ["-e", source], {
    cwd: root,
    env: { ...process.env, ...environment },
  });
  started.add(child);
  return child;
}

/** Waits for its end; the output, and the signal that ended it. */
export async function ended(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; output: string }> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal, output })));
}

afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
});
