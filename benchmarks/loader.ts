/**
 * A pass over files of the shape of ShapeNet-Car by `DataLoader` and by PyTorch's, with as many workers, taking turns; and how long the
 * updates of AB-UPT wait for such data.
 *
 *   npx tsx benchmarks/loader.ts [--samples 889] [--workers 1,2] [--rounds 3] [--updates 40] [--python /path/to/python] [--write]
 *
 * Needs dist/ (npm run build) and 1.2 GB in the folder for temporary files. Exits with 1 when a bound does not hold. Linux.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median } from "./statistics";

const { values: options } = parseArgs({
  options: {
    samples: { type: "string", default: "889" },
    workers: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "3" },
    updates: { type: "string", default: "40" },
    python: { type: "string", default: process.env["PYTHON"] ?? "python3" },
  },
});

const SURFACE = 3586;
const VOLUME = 28504;
const FILES: Readonly<Record<string, readonly [points: number, channels: number]>> = {
  surface_points: [SURFACE, 3],
  surface_pressure: [SURFACE, 1],
  surface_normals: [SURFACE, 3],
  volume_points: [VOLUME, 3],
  volume_velocity: [VOLUME, 3],
  volume_sdf: [VOLUME, 1],
  volume_normals: [VOLUME, 3],
};
const BATCH_SIZE = 1;
const BOUNDS = { samples: 1.5, first: 0.3, sinceStart: 0.3, memory: 0.5, waiting: 0.02 };
const dist = join(__dirname, "..", "dist");

/** What a pass took. */
interface Pass {
  readonly first: number;
  readonly since_start: number;
  readonly seconds: number;
  readonly kib: number;
}

function writeSamples(folder: string, samples: number): void {
  const program = `
    const { randn, save, scope } = require(${JSON.stringify(join(dist, "torch"))});
    const { mkdirSync } = require("node:fs");
    for (let index = 0; index < ${samples}; index++) scope(() => {
      const root = ${JSON.stringify(folder)} + "/sample" + String(index).padStart(4, "0");
      mkdirSync(root, { recursive: true });
      for (const [name, shape] of Object.entries(${JSON.stringify(FILES)})) save(randn(shape), root + "/" + name + ".pt");
    });`;
  run(process.execPath, ["-e", program]);
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function pass(side: "here" | "python", folder: string, workers: number): Pass {
  const args = [folder, options.samples, String(workers), String(BATCH_SIZE), String(Date.now() / 1000)];
  const [command, script] = side === "python" ? [options.python, "loader.py"] : [process.execPath, "loader-pass.cjs"];
  return JSON.parse(run(command, [join(__dirname, script), ...args])) as Pass;
}

function row(cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

const folder = mkdtempSync(join(tmpdir(), "noether-loader-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
mkdirSync(folder, { recursive: true });
writeSamples(folder, Number(options.samples));
console.log(
  `${cpus()[0]?.model ?? "?"}, ${cpus().length} processors; ${options.samples} samples, batches of ${BATCH_SIZE}\n`,
);
row(["workers", "what", "noether-ts", "PyTorch", "ratio", "bound"]);
row(Array<string>(6).fill("---"));
for (const workers of options.workers.split(",").map(Number)) {
  const passes: Record<"here" | "python", Pass[]> = { here: [], python: [] };
  for (let round = 0; round < Number(options.rounds); round++)
    for (const side of ["python", "here"] as const) passes[side].push(pass(side, folder, workers));
  const compare = (
    what: string,
    of: (pass: Pass) => number,
    bound: string,
    holds: (ratio: number) => boolean,
  ): void => {
    const [here, python] = [median(passes.here.map(of)), median(passes.python.map(of))];
    const digits = here < 10 ? 3 : 0;
    row([workers, what, here.toFixed(digits), python.toFixed(digits), (here / python).toFixed(2), bound]);
    if (!holds(here / python)) process.exitCode = 1;
  };
  const rate = ({ seconds }: Pass) => Number(options.samples) / seconds;
  compare("samples a second", rate, `>= ${BOUNDS.samples}`, (ratio) => ratio >= BOUNDS.samples);
  compare(
    "first batch, s",
    ({ first }) => first,
    `<= ${BOUNDS.first}`,
    (ratio) => ratio <= BOUNDS.first,
  );
  compare(
    "first batch since the process started, s",
    (each) => each.since_start,
    `<= ${BOUNDS.sinceStart}`,
    (ratio) => ratio <= BOUNDS.sinceStart,
  );
  compare(
    "memory at the peak, MiB",
    ({ kib }) => kib / 1024,
    `<= ${BOUNDS.memory}`,
    (ratio) => ratio <= BOUNDS.memory,
  );
}
const waiting = JSON.parse(
  run(process.execPath, [join(__dirname, "loader-training.cjs"), folder, options.samples, options.updates]),
) as {
  waited: number;
  seconds: number;
};
const share = waiting.waited / waiting.seconds;
console.log(
  `\nUpdates of AB-UPT (1/16 of the points) wait for data ${(100 * share).toFixed(2)} % of the time (bound ${100 * BOUNDS.waiting} %); ${((1000 * waiting.seconds) / Number(options.updates)).toFixed(0)} ms an update, 1 worker.`,
);
if (share > BOUNDS.waiting) process.exitCode = 1;
