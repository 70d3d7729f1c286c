import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { PathProvider } from "../../core/providers";
import { runState } from "../../core/runs/run-state";
import { writeTextFile } from "../../core/writers/text-file";
import { SWEEP_RUNS } from "../../training/runners/sbatch-script";
import { printResult } from "../command";
import { keysOf, RESULTS, resultsCsv, resultsTable, runMetrics, type SweepRow } from "./results";

/** Where tasks leave their rows, in the folder of the sweep. */
const ROWS = ".rows";

/** Where the runs of a sweep are. */
type Paths = Pick<PathProvider, "outputRoot" | "runId" | "runOutputPath" | "debug">;

/**
 * The folder with `results.csv`, below the output root: of the runs `sweep/0`, `sweep/1`, … it is `sweep`, of others the number of the job.
 */
export function arrayFolder(
  { outputRoot, runId, debug }: Pick<Paths, "outputRoot" | "runId" | "debug">,
  index: number,
  job: string,
): string {
  const isOfSweep = runId.endsWith(`/${index}`);
  return resolve(outputRoot, debug ? "debug" : "", isOfSweep ? dirname(runId) : job);
}

/**
 * One run of a sweep that Slurm runs as the task of an array. There is no process that sees all of them: each leaves a row of its own, and
 * writes `results.csv` from the rows that are there.
 */
export class ArrayTask {
  readonly #start = performance.now();
  #folder: string | null = null;
  #path: string | null = null;
  #started: Promise<unknown> = Promise.resolve();

  /** @param overrides those of this run */
  constructor(
    readonly index: number,
    readonly count: number,
    readonly job: string,
    readonly overrides: readonly string[],
  ) {}

  /** The task that this process is; null: it is none. */
  static of(environment: NodeJS.ProcessEnv, overrides: readonly string[]): ArrayTask | null {
    const [index, count] = [Number(environment["SLURM_ARRAY_TASK_ID"]), Number(environment[SWEEP_RUNS])];
    const job = environment["SLURM_ARRAY_JOB_ID"];
    if (job === undefined || !Number.isInteger(index) || !Number.isInteger(count) || index >= count) return null;
    return new ArrayTask(index, count, job, overrides);
  }

  /** The run has its folder. */
  start(paths: Paths): void {
    this.#folder = arrayFolder(paths, this.index, this.job);
    this.#path = paths.runOutputPath;
    this.#started = this.#write("running", {}).catch((error: unknown) => this.#warn(error));
  }

  /** The run has ended. The last one prints the table. */
  async end(failed: boolean): Promise<void> {
    if (this.#folder === null || this.#path === null) return;
    await this.#started;
    try {
      await this.#end(this.#folder, this.#path, failed);
    } catch (error) {
      this.#warn(error);
    }
  }

  /** The table is no reason for a run to fail. */
  #warn(error: unknown): void {
    console.error(`no results of the sweep were written: ${(error as Error).message}`);
  }

  async #end(folder: string, path: string, failed: boolean): Promise<void> {
    const isStopped = !failed && (await runState(path)) === "stopped";
    const rows = await this.#write(failed ? "failed" : isStopped ? "stopped" : "done", runMetrics(path));
    if (rows.some(({ status }) => status === "running" || status === "not run")) return;
    printResult(resultsTable(rows, process.stdout.columns ?? 120));
    console.error(`results: ${join(folder, RESULTS)}`);
  }

  async #write(status: string, metrics: Readonly<Record<string, number>>): Promise<SweepRow[]> {
    const folder = this.#folder!;
    const seconds = status === "running" ? null : (performance.now() - this.#start) / 1000;
    const row = { run: this.index, keys: keysOf(this.overrides), status, seconds, path: this.#path, metrics };
    mkdirSync(join(folder, ROWS), { recursive: true });
    // numbers that JSON does not have are strings, and again numbers for Number()
    writeTextFile(join(folder, ROWS, `${this.index}.json`), `${JSON.stringify(row, withoutNumbers)}\n`);
    // other tasks do the same: whoever writes last has seen the rows of all
    for (;;) {
      const before = textsOf(folder);
      const rows = await this.#rows(before);
      writeTextFile(join(folder, RESULTS), resultsCsv(rows));
      if (textsOf(folder).join("") === before.join("")) return rows;
    }
  }

  /** A row for each run; of a process that ended without a word what its folder says. */
  async #rows(texts: readonly string[]): Promise<SweepRow[]> {
    const found = new Map(texts.map((text) => JSON.parse(text) as SweepRow).map((row) => [row.run, row]));
    return Promise.all(
      Array.from({ length: this.count }, async (_, run): Promise<SweepRow> => {
        const row = found.get(run);
        if (row === undefined) return { run, keys: {}, status: "not run", seconds: null, path: null, metrics: {} };
        const metrics = Object.fromEntries(Object.entries(row.metrics).map(([key, value]) => [key, Number(value)]));
        if (row.status !== "running" || run === this.index || row.path === null) return { ...row, metrics };
        const state = await runState(row.path);
        if (state === "running") return { ...row, metrics };
        return { ...row, status: state === "finished" ? "done" : state, metrics: runMetrics(row.path) };
      }),
    );
  }
}

/** The rows that tasks have left, each as its text. */
function textsOf(folder: string): string[] {
  const rows = join(folder, ROWS);
  if (!existsSync(rows)) return [];
  const names = readdirSync(rows).filter((name) => /^\d+\.json$/.test(name));
  return names.sort().map((name) => readFileSync(join(rows, name), "utf8"));
}

function withoutNumbers(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
