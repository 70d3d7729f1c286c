/**
 * Saving and loading a state dict (1 GiB by default) against PyTorch in one run: both sides take turns on the same files.
 *
 *   npx tsx benchmarks/serialization.ts [--mib 1024] [--rounds 7] [--folder DIR]
 *
 * `save` here brings the file to disk before it returns, `torch.save` does not: it is compared with both `torch.save` and
 * `torch.save` + fsync. PYTHON names the interpreter (default python3).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { load, randn, save, type LoadOptions, type Tensor } from "../lib/torch";
import { median } from "./statistics";

interface Timing {
  wall: number;
  cpu: number;
}

const { values: options } = parseArgs({
  options: {
    mib: { type: "string", default: "1024" },
    rounds: { type: "string", default: "7" },
    folder: { type: "string", default: tmpdir() },
    peak: { type: "string" },
  },
});

const TENSORS = 64;
const elements = Math.floor((Number(options.mib) * 2 ** 20) / 4 / TENSORS);
const bytes = TENSORS * elements * 4;

function timed(body: () => void): Timing {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  body();
  const used = process.cpuUsage(cpu);
  return { wall: (performance.now() - wall) / 1e3, cpu: (used.user + used.system) / 1e6 };
}

function loadAndFree(path: string, how: LoadOptions): Timing {
  let loaded: Record<string, Tensor> = {};
  const timing = timed(() => (loaded = load<Record<string, Tensor>>(path, how)));
  for (const tensor of Object.values(loaded)) tensor.dispose();
  return timing;
}

function memory(field: string): number {
  const line = readFileSync("/proc/self/status", "utf8")
    .split("\n")
    .find((text) => text.startsWith(field))!;
  return Number(line.split(/\s+/)[1]) * 1024;
}

/** Peak of the resident memory during one load, in a process that did nothing else. */
function printPeak(path: string): void {
  const before = memory("VmRSS");
  writeFileSync("/proc/self/clear_refs", "5");
  const loaded = load<Record<string, Tensor>>(path);
  console.log(JSON.stringify({ bytes: memory("VmHWM") - before, tensors: Object.keys(loaded).length }));
}

/** A child process that answers each line with a line of JSON. */
function startPython(): { ask<T>(command: string, path: string): Promise<T>; stop(): void } {
  const python = process.env.PYTHON ?? "python3";
  const child = spawn(python, [join(__dirname, "serialization.py"), String(TENSORS), String(elements)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (command, path) => {
      child.stdin.write(`${command} ${path}\n`);
      const line = await lines.next();
      if (line.done)
        throw new Error("expected PyTorch's side to answer, but it ended; set PYTHON to an interpreter with torch");
      return JSON.parse(line.value);
    },
    stop: () => child.stdin.end(),
  };
}

async function ownPeak(path: string): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, __filename, "--peak", path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout) text += String(chunk);
  return (JSON.parse(text) as { bytes: number }).bytes;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(options.folder, "noether-bench-"));
  const python = startPython();
  const [ours, theirs] = [join(folder, "ours.pt"), join(folder, "theirs.pt")];
  const state = new Map<string, Tensor>();
  for (let i = 0; i < TENSORS; i++) state.set(`layers.${i}.weight`, randn([elements]));
  const rows: [name: string, own: () => Timing, reference: string][] = [
    ["save", () => timed(() => save(state, ours)), "save"],
    ["save, both to disk", () => timed(() => save(state, ours)), "save+fsync"],
    ["load", () => loadAndFree(ours, {}), "load"],
    ["load, mapped", () => loadAndFree(ours, { mmap: true }), "mmap"],
  ];
  try {
    console.log(
      `| ${(bytes / 2 ** 20).toFixed(0)} MiB in ${TENSORS} tensors | noether-ts, s | PyTorch, s | ratio (wall) | ratio (CPU) |\n|---|---|---|---|---|`,
    );
    for (const [name, own, reference] of rows) {
      const pairs: [Timing, Timing][] = [];
      // the first round creates the files and warms the page cache
      for (let round = -1; round < Number(options.rounds); round++) {
        const pair: [Timing, Timing] = [own(), await python.ask<Timing>(reference, theirs)];
        if (round >= 0) pairs.push(pair);
      }
      const wall = [median(pairs.map(([a]) => a.wall)), median(pairs.map(([, b]) => b.wall))] as const;
      const ratio = (key: keyof Timing) => median(pairs.map(([a, b]) => a[key] / b[key])).toFixed(2);
      console.log(`| ${name} | ${wall[0].toFixed(3)} | ${wall[1].toFixed(3)} | ${ratio("wall")} | ${ratio("cpu")} |`);
    }
    for (const tensor of state.values()) tensor.dispose();
    const peak = await ownPeak(ours);
    const { bytes: reference } = await python.ask<{ bytes: number }>("peak", theirs);
    console.log(
      `| peak memory of load ÷ tensors | ${(peak / bytes).toFixed(3)} | ${(reference / bytes).toFixed(3)} | ${(peak / reference).toFixed(2)} | |`,
    );
  } finally {
    python.stop();
    rmSync(folder, { recursive: true });
  }
}

if (options.peak !== undefined) printPeak(options.peak);
else void main();
