/**
 * CPU time per operator call on tiny (4×4) tensors, one thread, beside Python: each round measures one side right after the other,
 * the table shows medians. Time covers the call, the wrapper object, the scope's share of freeing it, and garbage collection.
 *
 *   npx tsx benchmarks/operators.ts [--rounds 9] [--calls 20000] [--python /path/to/python]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import {
  cat,
  indexSelect,
  layerNorm,
  linear,
  randn,
  scope,
  setNumThreads,
  slice,
  tensor,
  type Tensor,
} from "../lib/torch";
import { median } from "./statistics";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    calls: { type: "string", default: "20000" },
    python: { type: "string", default: process.env.PYTHON ?? "python3" },
  },
});
const rounds = Number(options.rounds);
const calls = Number(options.calls);

/** Bounds of the geometric mean, without and with gradient recording. */
const BOUNDS = { plain: 0.42, recording: 0.42 };

setNumThreads(1);

function cases(grad: boolean): Record<string, () => unknown> {
  const leaf = (...shape: number[]): Tensor => randn(shape, { requiresGrad: grad });
  const [a, b, w, bias] = [leaf(4, 4), leaf(4, 4), leaf(4, 4), leaf(4)];
  const index = tensor([0n, 2n]);
  const rows = slice(1, 3);
  return {
    add: () => a.add(b),
    mul: () => a.mul(b),
    matmul: () => a.matmul(b),
    sum: () => a.sum(1),
    reshape: () => a.reshape([2, 8]),
    transpose: () => a.transpose(0, 1),
    cat: () => cat([a, b]),
    slice: () => a.index(rows),
    index_select: () => indexSelect(a, 0, index),
    layer_norm: () => layerNorm(a, [4], bias, bias),
    linear: () => linear(a, w, bias),
    softmax: () => a.softmax(-1),
  };
}

/** Nanoseconds of CPU time (all threads of the process) per call, in scopes of 100 calls as a training step would have them. */
function measure(body: () => unknown, count: number): number {
  const start = process.cpuUsage();
  for (let done = 0; done < count; done += 100) {
    scope(() => {
      for (let i = 0; i < 100; i++) body();
    });
  }
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / count;
}

async function main(): Promise<void> {
  const python = spawn(options.python, [join(__dirname, "operators.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: python.stdout });
  const ask = async (name: string, count: number, grad: boolean): Promise<number> => {
    python.stdin.write(`${name} ${count} ${grad ? 1 : 0}\n`);
    const [line] = (await once(answers, "line")) as [string];
    return Number(line);
  };

  let failed = false;
  for (const grad of [false, true]) {
    const table = cases(grad);
    const names = Object.keys(table);
    for (const name of names) {
      measure(table[name]!, calls);
      await ask(name, calls, grad);
    }
    const ours = new Map(names.map((name): [string, number[]] => [name, []]));
    const theirs = new Map(names.map((name): [string, number[]] => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        ours.get(name)!.push(measure(table[name]!, calls));
        theirs.get(name)!.push(await ask(name, calls, grad));
      }
    }
    const bound = grad ? BOUNDS.recording : BOUNDS.plain;
    console.log(
      `\n| operator, 4×4${grad ? ", recording gradients" : ""} | here, µs | Python, µs | ratio |\n|---|---|---|---|`,
    );
    let product = 1;
    for (const name of names) {
      const [mine, other] = [median(ours.get(name)!), median(theirs.get(name)!)];
      product *= mine / other;
      console.log(
        `| ${name} | ${(mine / 1000).toFixed(2)} | ${(other / 1000).toFixed(2)} | ${(mine / other).toFixed(2)} |`,
      );
    }
    const mean = product ** (1 / names.length);
    console.log(`| geometric mean | | | ${mean.toFixed(2)} (bound ${bound}) |`);
    failed ||= mean > bound;
  }
  python.stdin.end();
  if (failed) process.exitCode = 1;
}

void main();
