/**
 * Two processes of ours, which average gradients through the reducer, against two of PyTorch's DistributedDataParallel on the CPU: a
 * training step of the ShapeNet-Car models (same weights, same inputs), and how the exchange of gradients grows with the parameters.
 * One run, both pairs take turns.
 *
 *   npx tsx benchmarks/distributed.ts [--models transformer,ab_upt] [--scale 0.0625] [--parameters 1e5,1e6,1e7,1e8] [--threads 1] [--rounds 9]
 *
 * NOETHER_CPU=aten: with ATen's kernels on both sides. A step is schedule, forward, loss, backward with the exchange, clipping, Lion,
 * clearing of gradients. Times are those of the slower process. PYTHON names the interpreter.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { median } from "./statistics";

const { values: options } = parseArgs({
  options: {
    models: { type: "string", default: "transformer,ab_upt" },
    scale: { type: "string", default: "0.0625" },
    parameters: { type: "string", default: "1e5,1e6,1e7,1e8" },
    threads: { type: "string", default: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
    rounds: { type: "string", default: "9" },
  },
});
const WORLD = 2;
const rounds = Number(options.rounds);
/** Wall time here / wall time there that must hold for a step. */
const BOUND = 1;

interface Timing {
  readonly wall: number;
  readonly cpu: number;
}

/** The processes of one side. */
class Side {
  readonly #children: readonly ChildProcess[];
  readonly #lines: readonly AsyncIterator<string>[];

  constructor(name: string, program: string, args: readonly string[], folder: string) {
    this.#children = Array.from({ length: WORLD }, (_, rank) =>
      spawn(program, args, {
        stdio: ["pipe", "pipe", "inherit"],
        env: {
          ...process.env,
          OMP_NUM_THREADS: options.threads,
          RANK: String(rank),
          WORLD_SIZE: String(WORLD),
          INIT_METHOD: `file://${folder}/store-${name}`,
          ...(process.platform === "linux" ? { GLOO_SOCKET_IFNAME: "lo" } : {}),
        },
      }),
    );
    this.#lines = this.#children.map((child) => createInterface({ input: child.stdout! })[Symbol.asyncIterator]());
  }

  /** What the processes answer to a request; null: to their start. */
  async ask(request: string | null): Promise<unknown[]> {
    if (request !== null) for (const child of this.#children) child.stdin!.write(`${request}\n`);
    return Promise.all(
      this.#lines.map(async (lines) => {
        const { done, value } = await lines.next();
        if (done)
          throw new Error(
            "expected an answer, but a process ended; set PYTHON to an interpreter with torch and safetensors",
          );
        return JSON.parse(value) as unknown;
      }),
    );
  }

  async step(): Promise<Timing> {
    const timings = (await this.ask("step")) as Timing[];
    return { wall: Math.max(...timings.map(({ wall }) => wall)), cpu: timings.reduce((sum, { cpu }) => sum + cpu, 0) };
  }

  stop(): void {
    for (const child of this.#children) child.stdin!.end();
  }
}

const milliseconds = (timings: readonly Timing[]): number => median(timings.map(({ wall }) => wall)) * 1e3;

/** Pairs of steps in turns, after some that do not count. */
async function pairs(ours: Side, theirs: Side, count: number): Promise<{ own: Timing[]; reference: Timing[] }> {
  const result = { own: [] as Timing[], reference: [] as Timing[] };
  for (let round = -3; round < count; round++) {
    const [own, reference] = [await ours.step(), await theirs.step()];
    if (round < 0) continue;
    result.own.push(own);
    result.reference.push(reference);
  }
  return result;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "noether-distributed-"));
  const python = [join(__dirname, "distributed.py"), options.threads, folder];
  const theirs = new Side("python", process.env["PYTHON"] ?? "python3", python, folder);
  const rank = join(__dirname, "distributed-rank.ts");
  const ours = new Side("node", process.execPath, ["--import", "tsx", rank, options.threads, folder], folder);
  try {
    await Promise.all([theirs.ask(null), ours.ask(null)]);
    const models = options.models.split(",").filter((name) => name !== "");
    if (models.length > 0)
      console.log(
        `| model | points | kernels here | noether-ts, ms | PyTorch, ms | ratio | ratio of CPU time | bound | losses of the last step |\n|${"---|".repeat(9)}`,
      );
    for (const model of models) {
      await theirs.ask(`model ${model} ${options.scale}`);
      await ours.ask(`model ${model} ${options.scale}`);
      const { own, reference } = await pairs(ours, theirs, rounds);
      const ratio = (clock: keyof Timing): number =>
        median(own.map((timing, i) => timing[clock] / reference[i]![clock]));
      const losses = [(await ours.ask("loss"))[0], (await theirs.ask("loss"))[0]].map((loss) =>
        Number(loss).toPrecision(5),
      );
      const points = Number(options.scale) === 1 ? "1" : `1/${Math.round(1 / Number(options.scale))}`;
      const kernels = process.env["NOETHER_CPU"] === "aten" ? "ATen's" : "own";
      console.log(
        `| ${[model, points, kernels, milliseconds(own).toFixed(1), milliseconds(reference).toFixed(1), ratio("wall").toFixed(2), ratio("cpu").toFixed(2), BOUND, losses.join(" ")].join(" | ")} |`,
      );
      if (ratio("wall") > BOUND) process.exitCode = 1;
    }
    const counts = options.parameters
      .split(",")
      .filter((text) => text !== "")
      .map(Number);
    if (counts.length > 0)
      console.log(
        `\n| parameters | gradients, MB | noether-ts, ms | PyTorch, ms | ratio | here, GB/s |\n|${"---|".repeat(6)}`,
      );
    for (const count of counts) {
      await theirs.ask(`reduction ${count}`);
      await ours.ask(`reduction ${count}`);
      const { own, reference } = await pairs(ours, theirs, count >= 1e8 ? 3 : rounds);
      const [here, there] = [milliseconds(own), milliseconds(reference)];
      const bytes = 4 * count;
      console.log(
        `| ${[count.toExponential(0).replace("e+", "e"), bytes / 1e6, here.toFixed(2), there.toFixed(2), (here / there).toFixed(2), (bytes / here / 1e6).toFixed(2)].join(" | ")} |`,
      );
    }
  } finally {
    ours.stop();
    theirs.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
