import { existsSync, statSync } from "node:fs";
import { relative } from "node:path";
import type { CheckpointFormat } from "../core/checkpoint-format";
import { FileExistsError } from "../config/python-errors";
import { exportFiles, exportRun, loadRun, type LoadRunOptions } from "../inference";
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
  refuseExisting([output], force);
  using run = await loadRun(path, load);
  refuseExisting(exportFiles(run, output), force);
  const files = exportRun(run, output, format === undefined ? {} : { format });
  const lines = files.map(
    (file) => `${relative(process.cwd(), file)}  ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB\n`,
  );
  printResult(lines.join(""));
  return EXIT.ok;
}

function refuseExisting(files: readonly string[], force: boolean): void {
  const existing = files.find((file) => existsSync(file));
  if (existing !== undefined && !force)
    throw new FileExistsError(
      `${existing}: expected the name of a new file, got one that is there; --force replaces it`,
    );
}
