import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { FileExistsError, FileNotFoundError } from "../config/python-errors";
import { statusLine } from "../core/logging/terminal";
import { writeTextFile } from "../core/writers/text-file";
import {
  evaluateRun,
  evaluationReport,
  loadRun,
  type EvaluateOptions,
  type LoadRunOptions,
  type RunEvaluation,
} from "../inference";
import { EXIT, printResult } from "./command";
import { INTERRUPTED, interruptible } from "./interruptible";
import { provideOwnModules } from "./own-modules";

/** What `noether-ts evaluate` was asked for. */
export interface ReportRequest {
  readonly run: string;
  /** Null: a new folder beside that of the run. */
  readonly output: string | null;
  readonly load: LoadRunOptions;
  readonly evaluate: EvaluateOptions;
  /** Cases that are drawn. */
  readonly pictures: number;
}

/** Evaluates, writes and prints. Importing this file loads libtorch. */
export async function runReport({ run: path, output, load, evaluate, pictures }: ReportRequest): Promise<number> {
  provideOwnModules();
  return interruptible(async (signal) => {
    using run = await loadRun(path, load);
    // before the work begins
    const folder = output ?? freeFolder(run.identity.folder);
    checkFolder(folder);
    const evaluation = await evaluateRun(run, {
      ...evaluate,
      signal,
      onProgress: ({ done, total, name }) => {
        if (process.stderr.isTTY) statusLine.show(`${done} of ${total} cases  ${name}`);
      },
    });
    const { chunkSize, seed } = evaluate;
    const report = await evaluationReport(run, evaluation, {
      pictures,
      signal,
      ...(chunkSize === undefined ? {} : { chunkSize }),
      ...(seed === undefined ? {} : { seed }),
    });
    statusLine.hide();
    mkdirSync(folder, { recursive: true });
    writeTextFile(join(folder, "metrics.json"), `${JSON.stringify(evaluation, null, 2)}\n`);
    writeTextFile(join(folder, "report.html"), report);
    printResult(describe(evaluation, folder));
    return EXIT.ok;
  }, INTERRUPTED);
}

/** The first folder that is free of `train_eval`, `train_eval_2`, …, beside that of a run. */
function freeFolder(run: string): string {
  for (let number = 1; ; number++) {
    const folder = `${run}_eval${number === 1 ? "" : `_${number}`}`;
    if (!existsSync(folder)) return folder;
  }
}

function checkFolder(folder: string): void {
  if (!existsSync(dirname(folder)))
    throw new FileNotFoundError(`${folder}: expected an existing folder, got ${dirname(folder)}; create it first`);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new FileExistsError(`${folder}: expected a new or an empty folder, got one with files; choose another name`);
}

function describe({ dataset, cases, overall, coefficients }: RunEvaluation, folder: string): string {
  const width = Math.max(...Object.keys(overall).map((name) => name.length), 5);
  const titles = ["relative L2", "MAE", "maximum", "R2"].map((title) => title.padStart(11)).join(" ");
  const lines = [`${dataset}: ${cases.length} cases`, `${"error".padEnd(width)}  ${titles}`];
  for (const [name, { mean_relative_l2, mae, max_error, r2 }] of Object.entries(overall)) {
    const cells = [`${(100 * mean_relative_l2).toFixed(2)} %`, short(mae), short(max_error), determination(r2)];
    lines.push(`${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(11)).join(" ")}`);
  }
  for (const [name, { r2, mae, max_error }] of Object.entries(coefficients)) {
    const cells = ["", short(mae), short(max_error), determination(r2)];
    lines.push(`${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(11)).join(" ")}`);
  }
  for (const file of ["metrics.json", "report.html"]) lines.push(relative(process.cwd(), join(folder, file)));
  return `${lines.join("\n")}\n`;
}

const short = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(5))) : String(value);

/** R²: 1 at best, without bound below. */
function determination(r2: number): string {
  return Math.abs(r2) < 100 ? r2.toFixed(4) : r2.toPrecision(3);
}
