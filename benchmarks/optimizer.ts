/**
 * A step of AdamW over 1,000 parameters of 8 x 8 against PyTorch's default and its fused one, in one run: the sides take turns, one thread each.
 * PYTHON names the interpreter.
 *
 *     PYTHON=/path/to/python npx tsx benchmarks/optimizer.ts
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { full, optim, setNumThreads } from "../lib/torch";
import { median } from "./statistics";

const [COUNT, STEPS, ROUNDS] = [1000, 100, 7];

function own(): number {
  const params = Array.from({ length: COUNT }, () => full([8, 8], 0.5).requiresGrad_());
  for (const param of params) param.grad = full([8, 8], 0.01);
  const optimizer = new optim.AdamW(params, { lr: 1e-3 });
  for (let step = 0; step < 5; step++) optimizer.step();
  const times = Array.from({ length: STEPS }, () => {
    const start = performance.now();
    optimizer.step();
    return (performance.now() - start) * 1000;
  });
  return median(times);
}

async function main(): Promise<void> {
  setNumThreads(1);
  const child = spawn(process.env["PYTHON"] ?? "python3", [join(__dirname, "optimizer.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (kind: string): Promise<number> => {
    child.stdin.write(`${kind} ${COUNT} ${STEPS}\n`);
    return Number((await lines.next()).value);
  };
  const rounds: { own: number; default: number; fused: number }[] = [];
  for (let round = 0; round < ROUNDS; round++)
    rounds.push({ own: own(), default: await ask("default"), fused: await ask("fused") });
  child.stdin.end();
  console.log(`| AdamW, ${COUNT} parameters of 8 × 8 | noether-ts, µs | PyTorch, µs | ratio |\n|---|---|---|---|`);
  for (const kind of ["default", "fused"] as const) {
    const ratio = median(rounds.map((round) => round.own / round[kind]));
    const [ours, theirs] = [median(rounds.map((round) => round.own)), median(rounds.map((round) => round[kind]))];
    console.log(`| ${kind} | ${ours.toFixed(0)} | ${theirs.toFixed(0)} | ${ratio.toFixed(2)} |`);
  }
}

void main();
