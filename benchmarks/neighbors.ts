/**
 * Neighbour search against a blocked `torch.cdist` search and scipy's cKDTree in one run, on the same threads: all points of a uniform
 * cloud among themselves, at most 32 neighbours each. Results are compared with those of `torch.cdist`.
 *
 *   npx tsx benchmarks/neighbors.ts [--sizes 10000,100000,1000000] [--threads 2] [--rounds 3]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { knn, radius } from "../lib/modeling";
import { manualSeed, rand, scope, setNumThreads } from "../lib/torch";
import type { Tensor } from "../lib/torch";
import { median } from "./statistics";

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "10000,100000,1000000" },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: "3" },
  },
});
const MAX_NEIGHBOURS = 32;
const threads = Number(options.threads);
async function startPython(folder: string) {
  const child = spawn(process.env.PYTHON ?? "python3", [join(__dirname, "neighbors.py"), String(threads), folder], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done)
      throw new Error(
        "expected PyTorch's side to answer, but it ended; set PYTHON to an interpreter with torch and scipy",
      );
    return line.value;
  };
  await answer();
  return {
    time: async (what: string, size: number) => {
      child.stdin.write(`${what} ${size}\n`);
      return JSON.parse(await answer()) as { scipy: number; cdist: number };
    },
    stop: () => child.stdin.end(),
  };
}

/** Whether the first edges are those that torch.cdist gave (for a part of the queries). */
function equalEdges(edges: Tensor, folder: string): boolean {
  const bytes = readFileSync(join(folder, "edges.bin"));
  const expected = new BigInt64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const count = expected.length / 2;
  return [0, 1].every((row) => {
    const own = edges.index(row).narrow(0, 0, count).dataSync() as BigInt64Array;
    return own.every((value, i) => value === expected[row * count + i]);
  });
}

async function main(): Promise<void> {
  setNumThreads(threads);
  manualSeed(0);
  const folder = mkdtempSync(join(tmpdir(), "noether-neighbors-"));
  const python = await startPython(folder);
  let holds = true;
  console.log(
    `| search | points | noether-ts, s | µs a point | cKDTree, s | ratio | blocked torch.cdist, s | times faster | equal edges |\n|${"---|".repeat(9)}`,
  );
  try {
    for (const what of ["radius", "knn"] as const) {
      for (const size of options.sizes.split(",").map(Number)) {
        const points = rand([size, 3]);
        writeFileSync(join(folder, "points.bin"), Buffer.from((points.dataSync() as Float32Array).slice().buffer));
        const r = (MAX_NEIGHBOURS / ((size * 4 * Math.PI) / 3)) ** (1 / 3);
        const search = () =>
          what === "radius"
            ? radius(points, points, r, { maxNumNeighbors: MAX_NEIGHBOURS })
            : knn(points, points, MAX_NEIGHBOURS);
        scope(search);
        const own: number[] = [];
        const theirs: number[] = [];
        let cdist = 0;
        for (let round = 0; round < Number(options.rounds); round++) {
          const start = performance.now();
          search().dispose();
          own.push((performance.now() - start) / 1e3);
          const reference = await python.time(what, size);
          theirs.push(reference.scipy);
          cdist = reference.cdist;
        }
        const equal = scope(() => equalEdges(search(), folder));
        const ratio = median(own.map((seconds, i) => seconds / theirs[i]!));
        const faster = cdist / median(own);
        holds &&= ratio <= 1 && equal && (size < 100_000 || faster >= 50);
        console.log(
          `| ${[what, size, median(own).toFixed(3), ((median(own) / size) * 1e6).toFixed(2), median(theirs).toFixed(3), ratio.toFixed(2), cdist.toFixed(1), faster.toFixed(0), equal].join(" | ")} |`,
        );
        points.dispose();
      }
    }
  } finally {
    python.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  if (!holds) process.exitCode = 1;
}

void main();
