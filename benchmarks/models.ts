/**
 * Forward and full training step of the ShapeNet-Car models against the same architecture in plain PyTorch (`reference/`): same weights,
 * same inputs, one run, both sides take turns.
 *
 *   npx tsx benchmarks/models.ts [--models ab_upt,upt] [--scales 0.0625,1] [--dtypes float32,bfloat16] [--threads 2] [--rounds 7]
 *                            [--compile] [--scaling] [--clouds 8]
 *
 * Scale 1 is 3,586 surface and 4,096 volume points. bfloat16 is autocast around forward and loss. A training step is schedule, forward,
 * loss, backward, clipping, optimizer (Lion; AdamW for Transolver), clearing of gradients. `--compile` adds columns for `torch.compile`, compiled before the
 * rounds, `--scaling` how many times as fast either side is as on one thread. `--clouds` is the batch size. PYTHON names the interpreter.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { loadSafetensors, scope, setNumThreads } from "../lib/torch";
import type { Tensor } from "../lib/torch";
import { median } from "./statistics";
import { type DType, type What, Workload } from "./workload";

const { values: options } = parseArgs({
  options: {
    models: { type: "string", default: "ab_upt,upt,transformer,transolver" },
    scales: { type: "string", default: "0.0625,1" },
    dtypes: { type: "string", default: "float32,bfloat16" },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string" },
    compile: { type: "boolean", default: false },
    scaling: { type: "boolean", default: false },
    clouds: { type: "string", default: "1" },
  },
});
const threads = Number(options.threads);
const clouds = Number(options.clouds);
/** Wall time here / wall time there that must hold, by scale: at 1/16 of the points overhead rules. */
const bound = (scale: number) => (scale < 1 ? 0.8 : 1);

interface Timing {
  readonly wall: number;
  readonly cpu: number;
}

/** One turn of every side; "alone" is on one thread. */
interface Round {
  readonly own: Timing;
  readonly reference: Timing;
  readonly compiled?: Timing;
  readonly ownAlone?: Timing;
  readonly referenceAlone?: Timing;
}

function time(workload: Workload, what: What, dtype: DType, threads: number): Timing {
  setNumThreads(threads);
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  if (what === "forward") for (const output of Object.values(workload.forward(dtype))) output.dispose();
  else workload.train(dtype);
  const used = process.cpuUsage(cpu);
  return { wall: (performance.now() - wall) / 1e3, cpu: (used.user + used.system) / 1e6 };
}

// ---- PyTorch's side

async function startPython(model: string, scale: number, folder: string) {
  const arguments_ = [join(__dirname, "models.py"), model, String(scale), String(threads), folder, String(clouds)];
  const child = spawn(process.env.PYTHON ?? "python3", arguments_, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done)
      throw new Error(
        "expected PyTorch's side to answer, but it ended; set PYTHON to an interpreter with torch and safetensors",
      );
    return line.value;
  };
  await answer();
  return {
    time: async (what: What | `compiled-${What}`, dtype: DType, threads: number): Promise<Timing> => {
      child.stdin.write(`${what} ${dtype} 1 ${threads}\n`);
      return (JSON.parse(await answer()) as Timing[])[0]!;
    },
    stop: () => child.stdin.end(),
  };
}

/** Largest difference of the outputs relative to the largest entry. */
function largestDifference(own: Record<string, Tensor>, folder: string): number {
  return scope(() => {
    const { tensors } = loadSafetensors(join(folder, "outputs.safetensors"));
    const errors = [...tensors].map(([name, expected]) => {
      const difference = Number(own[name]!.float().sub(expected).abs().max().item());
      return difference / Number(expected.abs().max().item());
    });
    return Math.max(...errors);
  });
}

async function compare(model: string, scale: number): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "noether-models-"));
  const python = await startPython(model, scale, folder);
  let holds = true;
  let trained = false;
  try {
    const workload = new Workload(model, scale, folder);
    for (const dtype of options.dtypes.split(",") as DType[]) {
      for (const what of ["forward", "train"] as const) {
        const rounds: Round[] = [];
        let difference = "";
        // A step on all points takes seconds: three pairs tell as much as fifteen short ones. Before them come some that do not count,
        // as training is thousands of steps: both sides have compiled what they compile, and hold the memory that they need.
        const count = Number(options.rounds ?? (scale < 1 ? 15 : 3));
        for (let round = scale < 1 ? -10 : -1; round < count; round++) {
          const result = {
            own: time(workload, what, dtype, threads),
            reference: await python.time(what, dtype, threads),
            ...(options.compile && { compiled: await python.time(`compiled-${what}`, dtype, threads) }),
            ...(options.scaling && {
              ownAlone: time(workload, what, dtype, 1),
              referenceAlone: await python.time(what, dtype, 1),
            }),
          };
          if (round >= 0) rounds.push(result);
          // Once trained, the two sides' weights differ: the sign of Lion's update makes a last bit a step.
          else if (what === "forward" && round === -1 && !trained)
            difference = largestDifference(workload.forward(dtype), folder).toExponential(1);
        }
        trained ||= what === "train";
        const milliseconds = (side: keyof Round) => (median(rounds.map((round) => round[side]!.wall)) * 1e3).toFixed(1);
        const ratio = (side: keyof Round, other: keyof Round, clock: keyof Timing = "wall") =>
          median(rounds.map((round) => round[side]![clock] / round[other]![clock])).toFixed(2);
        holds &&= Number(ratio("own", "reference")) <= bound(scale);
        const points = scale === 1 ? "1" : `1/${Math.round(1 / scale)}`;
        const cells = [model, clouds === 1 ? points : `${clouds} × ${points}`, dtype, what];
        cells.push(milliseconds("own"), milliseconds("reference"));
        cells.push(ratio("own", "reference"), ratio("own", "reference", "cpu"));
        if (options.compile) cells.push(milliseconds("compiled"), ratio("own", "compiled"));
        if (options.scaling) cells.push(ratio("ownAlone", "own"), ratio("referenceAlone", "reference"));
        console.log(`| ${[...cells, bound(scale), difference].join(" | ")} |`);
      }
    }
  } finally {
    python.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return holds;
}

async function main(): Promise<void> {
  const columns = ["model", "points", "dtype", "what", "noether-ts, ms", "PyTorch, ms", "ratio", "ratio of CPU time"];
  if (options.compile) columns.push("torch.compile, ms", "ratio to it");
  if (options.scaling) columns.push(`${threads} threads / 1 here`, `PyTorch`);
  columns.push("bound", "largest output difference");
  console.log(`| ${columns.join(" | ")} |\n|${"---|".repeat(columns.length)}`);
  let holds = true;
  for (const scale of options.scales.split(",").map(Number)) {
    for (const model of options.models.split(",")) holds = (await compare(model, scale)) && holds;
  }
  if (!holds) process.exitCode = 1;
}

void main();
