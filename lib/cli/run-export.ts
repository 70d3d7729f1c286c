import { existsSync, statSync } from "node:fs";
import { relative } from "node:path";
import type { CheckpointFormat } from "../core/checkpoint-format";
import { FileExistsError } from "../config/python-errors";
import { exportRun, loadRun, type LoadRunOptions } from "../inference";
import { EXIT, printResult } from "./command";
import { provideOwnModules } from "./own-modules";

/** What `noether-ts export` was asked for. */
export interface ExportRequest {
  readonly run: string;
  readonly output: string;
  readonly force: boolean;
  readonly format: CheckpointFormat | undefined;
  readonly load: LoadRunOptions;
}

/** Exports a run. Importing this file loads libtorch. */
export async function runExport({ run: path, output, force, format, load }: ExportRequest): Promise<number> {
  provideOwnModules();
  if (existsSync(output) && !force)
    throw new FileExistsError(`${output}: expected the name of a new file, got one that is there; --force replaces it`);
  using run = await loadRun(path, load);
  exportRun(run, output, format === undefined ? {} : { format });
  printResult(`${relative(process.cwd(), output)}  ${(statSync(output).size / 2 ** 20).toFixed(1)} MiB\n`);
  return EXIT.ok;
}
