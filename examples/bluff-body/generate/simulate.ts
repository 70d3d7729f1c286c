import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AVERAGED, ITERATIONS, writeCase } from "./foam";
import type { Body } from "./body";

const PROGRAMS = ["blockMesh", "surfaceFeatureExtract", "snappyHexMesh -overwrite", "checkMesh", "simpleFoam"];
/** Written when all programs have ended well. */
const DONE = "done";

/** Runs a program of OpenFOAM in the folder of a case; its output goes to `log.<program>` there. */
export async function runProgram(folder: string, command: string): Promise<void> {
  const [program, ...args] = command.split(" ");
  const log = join(folder, `log.${program}`);
  const output = openSync(log, "w");
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(program!, args, {
        cwd: folder,
        stdio: ["ignore", output, output],
        env: { WM_PROJECT_DIR: "/usr/share/openfoam", ...process.env },
      });
      child.on("error", (error: NodeJS.ErrnoException) => {
        reject(
          error.code === "ENOENT"
            ? new Error(`expected ${program} of OpenFOAM on the PATH, got nothing: apt-get install openfoam`)
            : error,
        );
      });
      child.on("exit", (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`${program} in ${folder} ended with ${signal ?? code}: see ${log}`));
      });
    });
  } finally {
    closeSync(output);
  }
}

/** Meshes and runs the case of a body in `folder`; one that is finished already is left as it is. */
export async function simulate(folder: string, body: Body): Promise<void> {
  if (existsSync(join(folder, DONE))) return;
  rmSync(folder, { recursive: true, force: true });
  await writeCase(folder, body);
  for (const command of PROGRAMS) await runProgram(folder, command);
  writeFileSync(join(folder, DONE), "");
}

/** What a finished case says about its solution. */
export interface Solution {
  readonly cells: number;
  readonly iterations: number;
  /** Initial residuals of the last iteration. */
  readonly residual: { readonly pressure: number; readonly velocity: number };
  /** Whether the iterations swing around a mean, so that fields and forces are means of the last ones. */
  readonly averaged: boolean;
  /** Largest change of the drag coefficient over the last 10 iterations; between both halves of those that were averaged. */
  readonly drag_change: number;
  /** Of the half body. */
  readonly drag_coefficient: number;
  readonly lift_coefficient: number;
  /** Force on the half body in N. */
  readonly force: { readonly pressure: readonly number[]; readonly viscous: readonly number[] };
}

function rows(folder: string, file: string): number[][] {
  const lines = readFileSync(join(folder, "postProcessing", file), "utf8").split("\n");
  const numbers = lines.filter((line) => line !== "" && !line.startsWith("#"));
  return numbers.map((line) => line.replaceAll(/[()]/g, " ").trim().split(/\s+/).map(Number));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Reads forces, residuals and the number of cells of a finished case. */
export function readSolution(folder: string): Solution {
  const coefficients = rows(folder, "coefficients/0/coefficient.dat");
  const iterations = coefficients.at(-1)![0]!;
  const averaged = iterations === ITERATIONS;
  const used = (table: number[][], column: number, from = -AVERAGED, to?: number) =>
    averaged ? mean(table.slice(from, to).map((row) => row[column]!)) : table.at(-1)![column]!;
  const drag = used(coefficients, 1);
  const half = Math.floor(AVERAGED / 2);
  const settled = averaged
    ? [used(coefficients, 1, -AVERAGED, -half) - used(coefficients, 1, -half)]
    : coefficients.slice(-10).map((row) => row[1]! - drag);
  const forces = rows(folder, "forces/0/force.dat");
  const log = readFileSync(join(folder, "log.simpleFoam"), "utf8");
  const residual = (name: string) =>
    Number([...log.matchAll(new RegExp(`Solving for ${name}, Initial residual = ([^,]+)`, "g"))].at(-1)![1]);
  return {
    cells: Number(/cells:\s+(\d+)/.exec(readFileSync(join(folder, "log.checkMesh"), "utf8"))![1]),
    iterations,
    averaged,
    residual: { pressure: residual("p"), velocity: Math.max(residual("Ux"), residual("Uy"), residual("Uz")) },
    drag_change: Math.max(...settled.map(Math.abs)),
    drag_coefficient: drag,
    lift_coefficient: used(coefficients, 3),
    force: {
      pressure: [4, 5, 6].map((column) => used(forces, column)),
      viscous: [7, 8, 9].map((column) => used(forces, column)),
    },
  };
}
