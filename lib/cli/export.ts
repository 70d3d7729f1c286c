import { answerUsage } from "./command";
import { UsageError } from "./hydra-arguments";
import { given, LOAD_OPTIONS } from "./prediction-options";
import { readOptions } from "./read-options";

const usage = `Usage: noether-ts export RUN -o FILE [options]

Writes a finished run to one file; the ending says what it holds:

  .pt                   the whole run: weights, config, scales of the data and
                        a card. loadRun and noether-ts predict read it in place
                        of the folder, Python with torch.load
  .th                   the weights as a checkpoint of the Python framework, of
                        a composite model a file for each part
  .safetensors          the weights, the model's config in the metadata

  -o, --output FILE     must not be there yet, unless --force
  --force               replaces a file
  --format RELEASE      keys of .th and .safetensors files: 2026.4 (default)
                        or 1.1
  --checkpoint NAME     latest (default), E10, best_model.loss.test.total, ...
  --weights NAME        averages: ema=0.9999
  --dataset KEY         data set of the run whose scales are written
  --project FOLDER      where classes such as ./model.ts#Model are

Exit codes: 0 done, 1 failed, 2 bad usage.
NOETHER_FULL_ERROR=1 shows the stack of an error.`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  output: { type: "string", short: "o" },
  force: { type: "boolean" },
  format: { type: "string" },
  checkpoint: LOAD_OPTIONS.checkpoint,
  weights: LOAD_OPTIONS.weights,
  dataset: LOAD_OPTIONS.dataset,
  project: LOAD_OPTIONS.project,
} as const;

/** Runs the command; returns the exit code. */
export async function exportCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(args, OPTIONS, true);
  const answered = answerUsage(usage, args, values.help);
  if (answered !== undefined) return answered;
  const [run, ...others] = positionals;
  const { output, force = false, format, checkpoint, weights, dataset, project } = values;
  if (run === undefined) throw new UsageError("expected the folder of a run, got none");
  if (others.length > 0) throw new UsageError(`expected one run, got also ${others.join(" ")}`);
  if (output === undefined) throw new UsageError("expected -o FILE: what is written");
  if (format !== undefined && format !== "1.1" && format !== "2026.4")
    throw new UsageError(`--format: expected 2026.4 or 1.1, got "${format}"`);
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runExport } = await import("./run-export.js");
  return runExport({ run, output, force, format, load: given({ checkpoint, weights, dataset, project }) });
}
