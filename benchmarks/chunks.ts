/**
 * A case of very many points: `run.predict` of AB-UPT, which computes geometry and anchors once, beside the same weights in PyTorch, which
 * computes them again with every chunk of points, as the Python framework's chunked inference does. Time, and memory beyond the loaded run.
 *
 *     npx tsx benchmarks/chunks.ts RUN [--points 1000000] [--anchors 2048] [--chunks 4096,16384] [--threads 2] [--python PYTHON | --alone]
 *
 * RUN is a finished run of examples/airfoil; the built dist/ is needed. The points are those of the volume; the surface has as many as
 * anchors. PYTHON (or the variable of this name) has torch and what benchmarks/serving.py imports. Linux: memory is that of /proc.
 * Exits with 1 when a bound does not hold.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type * as Torch from "../lib/torch";
import type * as Inference from "../lib/inference";
import type * as Data from "../lib/data";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    points: { type: "string", default: "1000000" },
    anchors: { type: "string", default: "2048" },
    chunks: { type: "string", default: "4096,16384" },
    threads: { type: "string", default: String(availableParallelism()) },
    python: { type: "string", default: process.env["PYTHON"] ?? "python3" },
    alone: { type: "boolean", default: false },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error("expected the folder of a run");
const [points, anchors] = [Number(options.points), Number(options.anchors)];

// the built package, which the classes of the example are of, too
const load = createRequire(__filename);
const dist = join(__dirname, "..", "dist");
const { manualSeed, rand, setNumThreads } = load(join(dist, "torch")) as typeof Torch;
const { exportRun, loadRun } = load(join(dist, "inference")) as typeof Inference;
const { readArrays, writeArrays } = load(join(dist, "data")) as typeof Data;

/** MiB of memory: now, or the most since it was last reset. */
function memory(which: "VmRSS" | "VmHWM"): number {
  return Number(new RegExp(`${which}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "noether-chunks-"));
  try {
    setNumThreads(Number(options.threads));
    const pipeline = {
      kind: "./examples/airfoil/pipeline.ts#AirfoilPipeline",
      num_geometry_supernodes: 48,
      num_surface_anchor_points: anchors,
      num_volume_anchor_points: anchors,
      seed: 0,
    };
    const run = await loadRun(path!, { pipeline });
    manualSeed(0);
    const numbers = (shape: number[]) => ({ values: rand(shape).mul(0.8).dataSync() as Float32Array, shape });
    const inputs = {
      surface_position: numbers([anchors, 2]),
      volume_position: numbers([points, 2]),
      inflow_design_parameters: numbers([2]),
    };
    const [checkpoint, portable] = [join(folder, "run.th"), join(folder, "run.pt")];
    exportRun(run, checkpoint, { format: "1.1" });
    exportRun(run, portable);
    await writeArrays(new Map(Object.entries(inputs)), join(folder, "inputs.npz"));
    await run.predict({ ...inputs, volume_position: numbers([8192, 2]) }, { chunkSize: 4096 }); // warm-up
    console.log(
      `${cpus()[0]!.model}, ${options.threads} threads; ${points} points, ${2 * anchors} anchors\n\n| chunk | noether-ts, s | PyTorch, s | ratio | MiB beyond the run, at most | MiB of the fields | largest difference |\n|---|---|---|---|---|---|---|`,
    );
    let isWithin = true;
    for (const chunkSize of options.chunks.split(",").map(Number)) {
      const before = memory("VmRSS");
      writeFileSync("/proc/self/clear_refs", "5"); // resets the peak
      const start = performance.now();
      const fields = await run.predict(inputs, { chunkSize });
      const seconds = (performance.now() - start) / 1000;
      const peak = memory("VmHWM") - before;
      const size = Object.values(fields).reduce((sum, { values }) => sum + values.byteLength, 0) / 2 ** 20;
      isWithin &&= peak <= 1.5 * size + 300;
      let [theirs, difference] = [NaN, NaN];
      if (!options.alone) {
        const args = [join(__dirname, "chunks.py"), folder, String(anchors), String(chunkSize), options.threads];
        const env = { ...process.env, NOETHER_CHECKPOINT: checkpoint, NOETHER_EXPORT: portable };
        theirs = Number(execFileSync(options.python, args, { env, encoding: "utf8" }));
        const other = (await readArrays(join(folder, "fields.npz"))).field("volume_velocity").values as Float32Array;
        const own = fields["volume_velocity"]!.values;
        difference = 0;
        own.forEach((value, i) => (difference = Math.max(difference, Math.abs(value - other[i]!))));
        isWithin &&= seconds < theirs && difference < 1e-4;
      }
      console.log(
        `| ${chunkSize} | ${seconds.toFixed(1)} | ${theirs.toFixed(1)} | ${(seconds / theirs).toFixed(2)} | ${peak.toFixed(0)} | ${size.toFixed(1)} | ${difference.toExponential(1)} |`,
      );
    }
    if (!isWithin) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
