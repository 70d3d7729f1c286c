/**
 * Forward and training step of the ShapeNet-Car models on a GPU against the same architecture in plain PyTorch (`reference/`), eager
 * and under `torch.compile`: same weights, same inputs, one run, all sides take turns in blocks between two synchronisations.
 *
 *   gpu.ts [--device cuda] [--models ab_upt,upt] [--dtypes float32,bfloat16] [--whats train,forward] [--scale 1] [--repetitions 20]
 *          [--rounds 5] [--no-compile] [--capture] [--seconds 240]
 *
 * A row is begun only before `--seconds` have passed. PYTHON names the interpreter. scripts/gpu-check.sh runs it on a bare machine.
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
      return JSON.parse(await answer()) as Timing;
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
        const sides: Side[] = [own(workload), ...others];
        if (options.capture && what === "train") sides.push(own(workload, true));
        const [eager] = others as [Side];
        let difference = "";
        const timings = new Map<Side, Timing[]>(sides.map((side) => [side, []]));
        for (const side of sides) await side.time(what, dtype, 5); // compiles, fills caches
        if (what === "forward") {
          await eager.time(what, dtype, 1);
          difference = largestDifference(workload.forward(dtype), folder).toExponential(1);
        }
        for (let round = 0; round < rounds; round++)
          for (const side of sides) timings.get(side)!.push(await side.time(what, dtype, repetitions));
        const of = (side: Side, clock: keyof Timing) => median(timings.get(side)!.map((timing) => timing[clock]));
        for (const side of sides.filter((each) => !others.includes(each))) {
          const ratio = (clock: keyof Timing, to: Side) => (of(side, clock) / of(to, clock)).toFixed(2);
          const cells = [
            model,
            dtype,
            `${what}${side.name.endsWith("captured") ? ", captured" : ""}`,
            ...[side, ...others].map((each) => (of(each, "wall") * 1e3).toFixed(2)),
            ...others.map((each) => ratio("wall", each)),
            (of(side, "host") * 1e3).toFixed(2),
            ratio("host", eager),
            difference,
          ];
          console.log(`| ${cells.join(" | ")} |`);
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
  console.log(`| ${heads.join(" | ")} |\n|${"---|".repeat(heads.length)}`);
  for (const model of options.models.split(",")) await compare(model);
}

void main();
