/**
 * Forward, backward and AdamW of a small MLP against PyTorch in one run: both sides take turns, one thread each. At this
 * size the time is overhead alone.
 *
 *   npx tsx benchmarks/mlp.ts [--width 32] [--batch 32] [--updates 500] [--rounds 15]
 *
 * PyTorch is measured as `AdamW(params)` (its default on the CPU: a loop over the parameters) and as `AdamW(params, fused=True)`.
 * PYTHON names the interpreter (default python3).
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { nn, optim, randn, scope, setNumThreads } from "../lib/torch";
import { median } from "./statistics";

/** Seconds an update. */
interface Timing {
  wall: number;
  cpu: number;
}

const { values: options } = parseArgs({
  options: {
    width: { type: "string", default: "32" },
    batch: { type: "string", default: "32" },
    updates: { type: "string", default: "500" },
    rounds: { type: "string", default: "15" },
  },
});
const [width, batch, updates, rounds] = [options.width, options.batch, options.updates, options.rounds].map(Number) as [
  number,
  number,
  number,
  number,
];

function makeUpdate(): () => void {
  const model = new nn.Sequential(
    new nn.Linear(width, width),
    new nn.ReLU(),
    new nn.Linear(width, width),
    new nn.ReLU(),
    new nn.Linear(width, width),
  );
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const [x, y] = [randn([batch, width]), randn([batch, width])];
  return () =>
    scope(() => {
      optimizer.zeroGrad();
      nn.functional.mseLoss(model.forward(x), y).backward();
      optimizer.step();
    });
}

function timed(update: () => void): Timing {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  for (let i = 0; i < updates; i++) update();
  const used = process.cpuUsage(cpu);
  return { wall: (performance.now() - wall) / 1e3 / updates, cpu: (used.user + used.system) / 1e6 / updates };
}

/** PyTorch's side: answers each line with a line of JSON. */
function startPython(): { ask(optimizer: string): Promise<Timing>; stop(): void } {
  const python = process.env.PYTHON ?? "python3";
  const child = spawn(python, [join(__dirname, "mlp.py"), String(width), String(batch)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (optimizer) => {
      child.stdin.write(`${optimizer} ${updates}\n`);
      const line = await lines.next();
      if (line.done)
        throw new Error("expected PyTorch's side to answer, but it ended; set PYTHON to an interpreter with torch");
      return JSON.parse(line.value) as Timing;
    },
    stop: () => child.stdin.end(),
  };
}

async function main(): Promise<void> {
  setNumThreads(1);
  const python = startPython();
  const update = makeUpdate();
  const results: { own: Timing; default: Timing; fused: Timing }[] = [];
  try {
    // The first rounds let both sides warm up.
    for (let round = -3; round < rounds; round++) {
      const result = { own: timed(update), default: await python.ask("default"), fused: await python.ask("fused") };
      if (round >= 0) results.push(result);
    }
  } finally {
    python.stop();
  }
  const microseconds = (list: number[]): string => (median(list) * 1e6).toFixed(0);
  console.log(
    `| forward + backward + AdamW, 3 layers of width ${width}, batch ${batch} | noether-ts, µs | PyTorch, µs | ratio |\n|---|---|---|---|`,
  );
  for (const clock of ["cpu", "wall"] as const) {
    for (const optimizer of ["default", "fused"] as const) {
      const ratio = median(results.map((result) => result.own[clock] / result[optimizer][clock])).toFixed(2);
      const [own, reference] = [
        results.map((result) => result.own[clock]),
        results.map((result) => result[optimizer][clock]),
      ];
      const name = optimizer === "default" ? "AdamW(…)" : "AdamW(…, fused=True)";
      console.log(
        `| ${clock === "cpu" ? "CPU" : "wall"} time, against ${name} | ${microseconds(own)} | ${microseconds(reference)} | ${ratio} |`,
      );
    }
  }
}

void main();
