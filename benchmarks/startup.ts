/**
 * Process start to the first tensor: `node` with the built package against Python's `import torch`, taking turns.
 *
 *   npx tsx benchmarks/startup.ts [--rounds 9] [--python /path/to/python]
 *
 * Needs dist/ (npm run build). The first round warms the file cache for both and is left out. Exits with 1 when the bound does not hold.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median } from "./statistics";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    python: { type: "string", default: process.env.PYTHON ?? "python3" },
  },
});

const BOUND = 0.3;
const entry = JSON.stringify(join(__dirname, "..", "dist", "torch"));
const sides: readonly (readonly [command: string, ...args: string[]])[] = [
  [process.execPath, "-e", `require(${entry}).ones([2])`],
  [options.python, "-c", "import torch; torch.ones(2)"],
];

/** Wall seconds of a process from its start to its end. */
function measure([command, ...args]: readonly [string, ...string[]]): number {
  const start = performance.now();
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
  return (performance.now() - start) / 1000;
}

const times = sides.map((): number[] => []);
for (let round = 0; round <= Number(options.rounds); round++) {
  sides.forEach((side, index) => {
    const seconds = measure(side);
    if (round > 0) times[index]!.push(seconds);
  });
}
const [here, python] = times.map(median) as [number, number];
console.log(`| process start to first tensor | here, s | Python, s | ratio |\n|---|---|---|---|`);
console.log(
  `| node · python, to the end of the process | ${here.toFixed(3)} | ${python.toFixed(3)} | ${(here / python).toFixed(2)} (bound ${BOUND}) |`,
);
if (here / python > BOUND) process.exitCode = 1;
