/**
 * Peak memory of training steps of AB-UPT on ShapeNet-Car, above that of model and data, against PyTorch: resident memory of a process each,
 * float32. Linux.
 *
 *     PYTHON=/path/to/python npx tsx benchmarks/step-memory.ts [--scale 1] [--steps 2] [--threads 2]
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { setNumThreads } from "../lib/torch";
import { Workload } from "./workload";

const { values: options } = parseArgs({
  options: {
    scale: { type: "string", default: "1" },
    steps: { type: "string", default: "2" },
    threads: { type: "string", default: "2" },
    side: { type: "string" },
    folder: { type: "string" },
  },
});
const { scale, steps, threads } = options;

/** VmRSS or VmHWM in bytes. */
function resident(name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
}

/** The part of this side's processes. */
function measure(folder: string, isCheckpointed: boolean): number {
  setNumThreads(Number(threads));
  const workload = new Workload("ab_upt", Number(scale), folder);
  if (isCheckpointed) workload.checkpointActivations();
  const before = resident("VmRSS");
  writeFileSync("/proc/self/clear_refs", "5"); // the peak begins anew
  for (let step = 0; step < Number(steps); step++) workload.train("float32");
  return resident("VmHWM") - before;
}

async function pythons(folder: string): Promise<number> {
  const words = [join(__dirname, "models.py"), "ab_upt", scale, threads, folder];
  const child = spawn(process.env["PYTHON"] ?? "python3", words, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next(); // "ready"
  child.stdin.write(`memory float32 ${steps}\n`);
  const { peak } = JSON.parse((await lines.next()).value as string) as { peak: number };
  child.stdin.end();
  return peak;
}

function own(folder: string, side: string): number {
  const words = [...process.execArgv, __filename, "--side", side, "--folder", folder, ...process.argv.slice(2)];
  return Number(spawnSync(process.execPath, words, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).stdout);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "noether-step-memory-"));
  try {
    const python = await pythons(folder);
    const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    console.log("| AB-UPT, training step, float32 | noether-ts, MiB | PyTorch, MiB | ratio |\n|---|---|---|---|");
    for (const [side, name] of [
      ["plain", "as it is"],
      ["checkpointed", "activation checkpointing"],
    ] as const) {
      const peak = own(folder, side);
      console.log(`| ${name} | ${mebibytes(peak)} | ${mebibytes(python)} | ${(peak / python).toFixed(2)} |`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (options.side === undefined) void main();
else console.log(measure(options.folder!, options.side === "checkpointed"));
