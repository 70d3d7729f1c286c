/**
 * Forward and full training step of the ShapeNet-Car models against the same architecture in plain PyTorch (`reference/`): same weights,
 * same inputs, one run, both sides take turns.
 *
 *   npx tsx benchmarks/models.ts [--models ab_upt,upt] [--scales 0.0625,1] [--dtypes float32,bfloat16] [--threads 2] [--rounds 7]
 *
 * Scale 1 is 3,586 surface and 4,096 volume points. bfloat16 is autocast around forward and loss. A training step is schedule, forward,
 * loss, backward, clipping, optimizer (Lion; AdamW for Transolver), clearing of gradients. PYTHON names the interpreter.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Factory } from "../lib/config/factory/factory";
import type { Model } from "../lib/core/models";
import { TrainingIteration } from "../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../lib/core/iteration/update-counter";
import "../lib/core";
import "../lib/modeling";
import { autocast, inferenceMode, keep, loadSafetensors, nn, scope, setNumThreads } from "../lib/torch";
import type { Tensor } from "../lib/torch";
import { median } from "./statistics";

const { values: options } = parseArgs({
  options: {
    models: { type: "string", default: "ab_upt,upt,transformer,transolver" },
    scales: { type: "string", default: "0.0625,1" },
    dtypes: { type: "string", default: "float32,bfloat16" },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string" },
  },
});
const threads = Number(options.threads);
/** Wall time here / wall time there that must hold, by scale: at 1/16 of the points overhead rules. */
const bound = (scale: number) => (scale < 1 ? 0.8 : 1);

type What = "forward" | "train";
type DType = "float32" | "bfloat16";
interface Timing {
  readonly wall: number;
  readonly cpu: number;
}

// ---- the models

const DATA_SPECS = { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } };
const BLOCK = { num_heads: 3, mlp_expansion_factor: 4 };
const schedule = (max_value: number) => ({
  kind: "noether.core.schedules.LinearWarmupCosineDecaySchedule",
  warmup_percent: 0.05,
  end_value: 1e-6,
  max_value,
});
const LION = {
  kind: "noether.core.optimizer.Lion",
  lr: 5e-5,
  weight_decay: 0.05,
  clip_grad_norm: 0.25,
  schedule_config: schedule(5e-5),
};
const ADAMW = {
  kind: "torch.optim.AdamW",
  lr: 1e-3,
  weight_decay: 0.05,
  clip_grad_norm: 1,
  schedule_config: schedule(1e-3),
};

function config(model: string, scale: number): Record<string, unknown> {
  const pooling = { input_dim: 3, radius: 9 / Math.sqrt(scale) };
  const common = {
    name: model,
    hidden_dim: 192,
    data_specs: DATA_SPECS,
    optimizer_config: model === "transolver" ? ADAMW : LION,
  };
  const trunk = { ...common, depth: 12, use_output_projection: true };
  switch (model) {
    case "ab_upt":
      return {
        ...common,
        kind: "tutorial.model.ABUPT",
        use_bias_layers: false,
        geometry_depth: 1,
        physics_blocks: ["perceiver", "shared", ...Array.from({ length: 4 }, () => ["cross", "shared"]).flat()],
        num_surface_blocks: 2,
        num_volume_blocks: 2,
        supernode_pooling_config: pooling,
        transformer_block_config: { ...BLOCK, use_rope: true },
      };
    case "upt":
      return {
        ...common,
        ...BLOCK,
        kind: "tutorial.model.UPT",
        approximator_depth: 12,
        use_rope: true,
        supernode_pooling_config: pooling,
        approximator_config: {},
        decoder_config: { depth: 12, perceiver_block_config: {} },
      };
    case "transformer":
      return { ...trunk, kind: "tutorial.model.Transformer", transformer_block_config: { ...BLOCK, use_rope: true } };
    case "transolver":
      return { ...trunk, kind: "tutorial.model.Transolver", transformer_block_config: BLOCK };
    default:
      throw new Error(`expected ab_upt, upt, transformer or transolver, got "${model}"`);
  }
}

/** One model with its inputs and targets, and what is timed. */
class Workload {
  readonly #model: Model;
  readonly #counter: UpdateCounter;
  readonly #inputs: Record<string, Tensor>;
  readonly #targets: Record<string, Tensor>;

  constructor(model: string, scale: number, folder: string) {
    this.#counter = new UpdateCounter({
      startIteration: new TrainingIteration(0, 0, 0),
      endIteration: new TrainingIteration(null, 1000, null),
      updatesPerEpoch: 1,
      effectiveBatchSize: 1,
    });
    this.#model = new Factory().create(config(model, scale), { updateCounter: this.#counter }) as Model;
    this.#model.initialize();
    const { tensors } = loadSafetensors(join(folder, "model.safetensors"));
    const group = (prefix: string) =>
      Object.fromEntries(
        [...tensors]
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, value]) => [name.slice(prefix.length), keep(value)]),
      );
    this.#model.loadStateDict(group("weight."));
    this.#inputs = group("input.");
    this.#targets = group("target.");
  }

  forward(dtype: DType): Record<string, Tensor> {
    this.#model.eval();
    return inferenceMode(() => precision(dtype, () => this.#model.forward(this.#inputs) as Record<string, Tensor>));
  }

  train(dtype: DType): void {
    this.#model.train();
    scope(() => {
      this.#model.optimizerScheduleStep();
      const loss = precision(dtype, () => {
        const outputs = this.#model.forward(this.#inputs) as Record<string, Tensor>;
        return Object.entries(this.#targets)
          .map(([name, target]) => nn.functional.mseLoss(outputs[name]!, target))
          .reduce((sum, part) => sum.add(part));
      });
      loss.backward();
      this.#model.optimizerStep(null);
      this.#model.optimizerZeroGrad();
      this.#counter.addSamples(1);
      this.#counter.nextUpdate();
    });
  }

  time(what: What, dtype: DType): Timing {
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    if (what === "forward") for (const output of Object.values(this.forward(dtype))) output.dispose();
    else this.train(dtype);
    const used = process.cpuUsage(cpu);
    return { wall: (performance.now() - wall) / 1e3, cpu: (used.user + used.system) / 1e6 };
  }
}

function precision<T>(dtype: DType, body: () => T): T {
  return dtype === "bfloat16" ? autocast({ deviceType: "cpu", dtype: "bfloat16" }, body) : body();
}

// ---- PyTorch's side

async function startPython(model: string, scale: number, folder: string) {
  const arguments_ = [join(__dirname, "models.py"), model, String(scale), String(threads), folder];
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
    time: async (what: What, dtype: DType): Promise<Timing> => {
      child.stdin.write(`${what} ${dtype} 1\n`);
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
  try {
    const workload = new Workload(model, scale, folder);
    for (const dtype of options.dtypes.split(",") as DType[]) {
      for (const what of ["forward", "train"] as const) {
        const rounds: { own: Timing; reference: Timing }[] = [];
        let difference = "";
        // A step on all points takes seconds: three pairs tell as much as fifteen short ones. Before them come some that do not count,
        // as training is thousands of steps: both sides have compiled what they compile, and hold the memory that they need.
        const count = Number(options.rounds ?? (scale < 1 ? 15 : 3));
        for (let round = scale < 1 ? -10 : -1; round < count; round++) {
          const result = { own: workload.time(what, dtype), reference: await python.time(what, dtype) };
          if (round >= 0) rounds.push(result);
          else if (what === "forward" && round === -1)
            difference = largestDifference(workload.forward(dtype), folder).toExponential(1);
        }
        const [own, reference] = [rounds.map((round) => round.own), rounds.map((round) => round.reference)];
        const ratio = (clock: keyof Timing) => median(own.map((timing, i) => timing[clock] / reference[i]![clock]));
        const milliseconds = (timings: Timing[]) => (median(timings.map(({ wall }) => wall)) * 1e3).toFixed(1);
        holds &&= ratio("wall") <= bound(scale);
        console.log(
          `| ${[model, scale === 1 ? "1" : `1/${Math.round(1 / scale)}`, dtype, what, milliseconds(own), milliseconds(reference), ratio("wall").toFixed(2), ratio("cpu").toFixed(2), bound(scale), difference].join(" | ")} |`,
        );
      }
    }
  } finally {
    python.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return holds;
}

async function main(): Promise<void> {
  setNumThreads(threads);
  console.log(
    `| model | points | dtype | what | noether-ts, ms | PyTorch, ms | ratio | ratio of CPU time | bound | largest output difference |\n|${"---|".repeat(10)}`,
  );
  let holds = true;
  for (const scale of options.scales.split(",").map(Number)) {
    for (const model of options.models.split(",")) holds = (await compare(model, scale)) && holds;
  }
  if (!holds) process.exitCode = 1;
}

void main();
