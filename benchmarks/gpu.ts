/**
 * Forward and training step of the ShapeNet-Car models on a GPU against the same architecture in plain PyTorch (`reference/`), eager
 * and under `torch.compile`: same weights, same inputs, one run, all sides take turns in blocks between two synchronisations.
 *
 *   gpu.ts [--device cuda] [--models ab_upt,upt] [--dtypes float32,bfloat16] [--whats train,forward] [--scale 1] [--repetitions 20]
 *          [--rounds 5] [--no-compile] [--capture] [--seconds 240] [--no-heading]
 *
 * A row is begun only before `--seconds` have passed, and printed once it is measured. A side that fails has "failed" in its cells and
 * the reason on stderr; the others are measured, and the exit code is 1. PYTHON names the interpreter. scripts/gpu-check.sh runs it on
 * a bare machine.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { loadSafetensors, scope } from "../lib/torch";
import type { Tensor } from "../lib/torch";
import { median } from "./statistics";
import { type DType, type What, Workload } from "./workload";

const { values: options } = parseArgs({
  options: {
    device: { type: "string", default: "cuda" },
    models: { type: "string", default: "ab_upt,upt,transformer,transolver" },
    dtypes: { type: "string", default: "bfloat16,float32" },
    whats: { type: "string", default: "train,forward" },
    scale: { type: "string", default: "1" },
    repetitions: { type: "string", default: "20" },
    rounds: { type: "string", default: "5" },
    "no-compile": { type: "boolean", default: false },
    capture: { type: "boolean", default: false },
    seconds: { type: "string", default: "240" },
    "no-heading": { type: "boolean", default: false },
  },
});
const [scale, repetitions, rounds] = [Number(options.scale), Number(options.repetitions), Number(options.rounds)];
const began = performance.now();

/** Seconds of one repetition: until the device has done it, and until the host has asked for it. */
interface Timing {
  readonly wall: number;
  readonly host: number;
}
/** One way to run a model. */
interface Side {
  readonly name: string;
  time(what: What, dtype: DType, repetitions: number): Promise<Timing> | Timing;
}

/** This package's side; captured, training steps are replayed as CUDA graphs. */
function own(workload: Workload, captured = false): Side {
  return {
    name: captured ? "noether-ts captured" : "noether-ts",
    async time(what, dtype, count) {
      workload.synchronize();
      const start = performance.now();
      for (let i = 0; i < count; i++) {
        if (what === "forward") for (const output of Object.values(workload.forward(dtype))) output.dispose();
        else if (captured) await workload.trainCaptured(dtype);
        else workload.train(dtype);
      }
      const host = performance.now() - start;
      workload.synchronize();
      return { wall: (performance.now() - start) / 1e3 / count, host: host / 1e3 / count };
    },
  };
}

async function startPython(model: string, folder: string) {
  // beside this file in the sources; a script that has everything in it lies one folder deeper than they do
  const script = [join(__dirname, "gpu.py"), join(__dirname, "..", "benchmarks", "gpu.py")].find(existsSync)!;
  const child = spawn(process.env.PYTHON ?? "python3", [script, model, options.scale, options.device, folder], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  // that it ended, or did not start, is what the next answer says
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done)
      throw new Error("expected PyTorch's side to answer, but it ended; PYTHON names an interpreter with torch");
    return line.value;
  };
  await answer();
  const side = (how: "eager" | "compile"): Side => ({
    name: `PyTorch ${how}`,
    time: async (what, dtype, count) => {
      child.stdin.write(`${how} ${what} ${dtype} ${count}\n`);
      const times = JSON.parse(await answer()) as Timing | { readonly error: string };
      if ("error" in times) throw new Error(times.error);
      return times;
    },
  });
  return { side, stop: () => child.stdin.end() };
}

/** Largest difference of the outputs relative to the largest entry. */
function largestDifference(outputs: Record<string, Tensor>, folder: string): number {
  return scope(() => {
    const { tensors } = loadSafetensors(join(folder, "outputs.safetensors"));
    return Math.max(
      ...[...tensors].map(
        ([name, expected]) =>
          Number(outputs[name]!.to("cpu").float().sub(expected).abs().max().item()) /
          Number(expected.abs().max().item()),
      ),
    );
  });
}

/** The row says that it failed, and stderr why. */
function sayFailed(cells: string, error: unknown): void {
  process.exitCode = 1;
  console.log(`| ${cells} | failed: ${String(error).split("\n")[0]} |`);
  console.error(error);
}

interface Row {
  readonly model: string;
  readonly workload: Workload;
  /** PyTorch's, eager first. */
  readonly others: readonly Side[];
  readonly dtype: DType;
  readonly what: What;
  readonly folder: string;
}

async function printRow({ model, workload, others, dtype, what, folder }: Row): Promise<void> {
  const ours = [own(workload)];
  if (options.capture && what === "train") ours.push(own(workload, true));
  const eager = others[0]!;
  const timings = new Map<Side, Timing[]>();
  for (const side of [ours[0]!, ...others, ...ours.slice(1)]) {
    try {
      await side.time(what, dtype, 5); // compiles, fills caches
      timings.set(side, []);
    } catch (error) {
      process.exitCode = 1;
      console.error(`${model}, ${dtype}, ${what}, ${side.name}:`, error);
    }
  }
  let difference = "";
  if (what === "forward" && timings.has(eager) && timings.has(ours[0]!)) {
    await eager.time(what, dtype, 1);
    difference = largestDifference(workload.forward(dtype), folder).toExponential(1);
  }
  for (let round = 0; round < rounds; round++)
    for (const [side, times] of timings) times.push(await side.time(what, dtype, repetitions));
  const of = (side: Side, clock: keyof Timing): number | undefined => {
    const times = timings.get(side);
    return times && median(times.map((timing) => timing[clock]));
  };
  const milliseconds = (side: Side, clock: keyof Timing) => {
    const seconds = of(side, clock);
    return seconds === undefined ? "failed" : (seconds * 1e3).toFixed(2);
  };
  for (const side of ours) {
    const ratio = (clock: keyof Timing, to: Side) => {
      const [time, other] = [of(side, clock), of(to, clock)];
      return time === undefined || other === undefined ? "" : (time / other).toFixed(2);
    };
    const cells = [
      model,
      dtype,
      `${what}${side === ours[0] ? "" : ", captured"}`,
      ...[side, ...others].map((each) => milliseconds(each, "wall")),
      ...others.map((each) => ratio("wall", each)),
      milliseconds(side, "host"),
      ratio("host", eager),
      difference,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

async function compare(model: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "noether-gpu-"));
  const python = await startPython(model, folder);
  try {
    const workload = new Workload(model, scale, folder, options.device);
    const others = [python.side("eager")];
    if (!options["no-compile"]) others.push(python.side("compile"));
    for (const dtype of options.dtypes.split(",") as DType[]) {
      for (const what of options.whats.split(",") as What[]) {
        if (performance.now() - began > Number(options.seconds) * 1e3) {
          console.log(`| ${model} | ${dtype} | ${what} | not reached in ${options.seconds} s |`);
          continue;
        }
        try {
          await printRow({ model, workload, others, dtype, what, folder });
        } catch (error) {
          sayFailed(`${model} | ${dtype} | ${what}`, error);
        }
      }
    }
  } finally {
    python.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const others = ["PyTorch eager", ...(options["no-compile"] ? [] : ["torch.compile"])];
  const heads = [
    "model",
    "dtype",
    "what",
    "noether-ts, ms",
    ...others.map((name) => `${name}, ms`),
    ...others.map((name) => `/ ${name}`),
    "host, ms",
    "host / PyTorch eager",
    "output difference",
  ];
  if (!options["no-heading"]) console.log(`| ${heads.join(" | ")} |\n|${"---|".repeat(heads.length)}`);
  for (const model of options.models.split(",")) {
    try {
      await compare(model);
    } catch (error) {
      sayFailed(model, error);
    }
  }
}

void main();
