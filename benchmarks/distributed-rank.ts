/** One process of ours in distributed.ts: the counterpart of distributed.py, with the same requests. */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { distributed, nn, scope, setNumThreads, zeros, type Tensor } from "../lib/torch";
import { Workload } from "./workload";

const [threads = "1", folder = "."] = process.argv.slice(2);

/** What a request times. */
interface Steps {
  step(): void;
  loss(): number;
}

/** Backward passes of a model that only adds its parameters up: the time is that of the gradients' exchange. */
class Sum extends nn.Module {
  readonly parts: nn.ParameterList;

  constructor(parameters: number) {
    super();
    const rows = Math.max(1, Math.floor(parameters / 1e6));
    const length = Math.floor(parameters / rows);
    this.parts = new nn.ParameterList(Array.from({ length: rows }, () => new nn.Parameter(zeros([length]))));
  }

  override forward(): Tensor {
    return [...this.parts].map((part) => part.sum()).reduce((sum, part) => sum.add(part));
  }
}

async function training(name: string, scale: number): Promise<Steps> {
  const workload = new Workload(name, scale, join(folder, `${name}.safetensors`), "cpu", 1000);
  await workload.distribute();
  let loss = NaN;
  return { step: () => (loss = workload.train("float32")), loss: () => loss };
}

async function reduction(parameters: number): Promise<Steps> {
  const ddp = await distributed.DistributedDataParallel.create(new Sum(parameters));
  const step = (): void =>
    scope(() => {
      ddp.forward().backward();
      ddp.zeroGrad();
    });
  return { step, loss: () => NaN };
}

function timed(body: () => void): { wall: number; cpu: number } {
  distributed.blocking.barrier();
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  body();
  const used = process.cpuUsage(cpu);
  return { wall: (performance.now() - wall) / 1e3, cpu: (used.user + used.system) / 1e6 };
}

async function main(): Promise<void> {
  setNumThreads(Number(threads));
  await distributed.initProcessGroup({ initMethod: process.env["INIT_METHOD"]!, backend: "gloo" });
  const answer = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);
  answer("ready");
  let current: Steps | null = null;
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, ...rest] = line.split(" ");
    if (what === "model") current = await training(rest[0]!, Number(rest[1]));
    else if (what === "reduction") current = await reduction(Number(rest[0]));
    else if (what === "step") {
      answer(timed(() => current!.step()));
      continue;
    } else if (what === "loss") {
      answer(current!.loss());
      continue;
    }
    answer("ready");
  }
  await distributed.destroyProcessGroup();
}

void main();
