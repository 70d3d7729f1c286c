/**
 * Reading large files against pyvista (VTK) and meshio in one run: both sides take turns on the same files.
 *
 *   npx tsx benchmarks/readers.ts [--mib 500] [--cells 100] [--rounds 5] [--only text] [--folder DIR]
 *
 * PYTHON names the interpreter (default python3); it needs pyvista and meshio. `--cells n` makes a case of n³ cells, `--only` takes the files
 * with this word in their name. The first
 * touch of points, cells and fields is part of the time: nothing is left for later.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { readMesh } from "../lib/data/readers";
import { median } from "./statistics";

interface Timing {
  wall: number;
  cpu: number;
  points: number;
  cells: number;
}

const { values: options } = parseArgs({
  options: {
    mib: { type: "string", default: "500" },
    cells: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" },
    folder: { type: "string", default: tmpdir() },
    only: { type: "string", default: "" },
  },
});

async function own(path: string): Promise<Timing> {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  const mesh = await readMesh(path);
  const [points, cells] = [mesh.points.length / 3, mesh.cells.types.length];
  const used = process.cpuUsage(cpu);
  return { wall: (performance.now() - wall) / 1e3, cpu: (used.user + used.system) / 1e6, points, cells };
}

function startPython(): { ask<T>(...words: string[]): Promise<T>; stop(): void } {
  const child = spawn(process.env.PYTHON ?? "python3", [join(__dirname, "readers.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (...words) => {
      child.stdin.write(`${words.join(" ")}\n`);
      const line = await lines.next();
      if (line.done) throw new Error("expected Python's side to answer, but it ended; it needs pyvista and meshio");
      return JSON.parse(line.value);
    },
    stop: () => child.stdin.end(),
  };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(options.folder, "noether-bench-"));
  const python = startPython();
  const at = (name: string) => join(folder, name);
  const files: [name: string, path: string, make: string[], readers: string[]][] = [
    ["`.vtu`, raw", at("raw.vtu"), ["vtu", at("raw.vtu"), options.mib, "None"], ["pyvista", "meshio"]],
    ["`.vtu`, zlib", at("zlib.vtu"), ["vtu", at("zlib.vtu"), options.mib, "ZLib"], ["pyvista", "meshio"]],
    ["OpenFOAM, binary", at("binary"), ["case", at("binary"), options.cells, "binary"], ["foam"]],
    ["OpenFOAM, text", at("text"), ["case", at("text"), options.cells, "ascii"], ["foam"]],
  ];
  try {
    console.log(
      "| file | cells | against | noether-ts, s | Python, s | ratio (wall) | ratio (CPU) |\n|---|---|---|---|---|---|---|",
    );
    for (const [name, path, make, readers] of files.filter(([name]) => name.includes(options.only))) {
      await python.ask(...make);
      for (const reader of readers) {
        const pairs: [Timing, Timing][] = [];
        // the first round warms the page cache and the code
        for (let round = -1; round < Number(options.rounds); round++) {
          const pair: [Timing, Timing] = [await own(path), await python.ask<Timing>(reader, path)];
          if (round >= 0) pairs.push(pair);
        }
        const [ours, theirs] = pairs[0]!;
        if (ours.points !== theirs.points || ours.cells !== theirs.cells)
          throw new Error(
            `expected ${theirs.points} points and ${theirs.cells} cells, got ${ours.points} and ${ours.cells}`,
          );
        const wall = [median(pairs.map(([a]) => a.wall)), median(pairs.map(([, b]) => b.wall))] as const;
        const ratio = (key: "wall" | "cpu") => median(pairs.map(([a, b]) => a[key] / b[key])).toFixed(2);
        const size = statSync(path).isFile() ? `, ${(statSync(path).size / 2 ** 20).toFixed(0)} MiB` : "";
        console.log(
          `| ${name}${size} | ${ours.cells} | ${reader === "foam" ? "pyvista" : reader} | ${wall[0].toFixed(3)} | ${wall[1].toFixed(3)} | ${ratio("wall")} | ${ratio("cpu")} |`,
        );
      }
    }
  } finally {
    python.stop();
    rmSync(folder, { recursive: true });
  }
}

void main();
