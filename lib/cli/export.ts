import { UsageError } from "./hydra-arguments";
import { choice, commandLine, flag, printHelp, readCommandLine, refuseNothing, text } from "./options";
import { given, LOAD_OPTIONS } from "./prediction-options";

const COMMAND = commandLine({
  usage: ["noether-ts export RUN -o FILE [options]"],
  about: `Writes a finished run to one file; the ending says what it holds:

  .pt                   the whole run: weights, config, scales of the data and
                        a card. loadRun and noether-ts predict read it in place
                        of the folder, Python with torch.load
  .th                   the weights as a checkpoint of the Python framework, of
                        a composite model a file for each part
  .safetensors          the weights, the model's config in the metadata`,
  sections: [
    {
      options: {
        output: text({ short: "o", value: "FILE", does: "must not be there yet, unless --force" }),
        force: flag({ does: "replaces a file" }),
        format: choice(["2026.4", "1.1"], { otherwise: "2026.4", does: "keys of .th and .safetensors files" }),
        checkpoint: LOAD_OPTIONS.checkpoint,
        weights: LOAD_OPTIONS.weights,
        dataset: text({ value: "KEY", does: "data set of the run whose scales are written" }),
        project: LOAD_OPTIONS.project,
      },
    },
  ],
  end: `Exit codes: 0 done, 1 failed, 2 bad usage.
NOETHER_FULL_ERROR=1 shows the stack of an error.`,
});

/** Runs the command; returns the exit code. */
export async function exportCommand(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  if (args.length === 0) return refuseNothing(COMMAND);
  const [run, ...others] = read.words;
  const { output, force, format, checkpoint, weights, dataset, project } = read.values;
  if (run === undefined) throw new UsageError("expected the folder of a run, got none");
  if (others.length > 0) throw new UsageError(`expected one run, got also ${others.join(" ")}`);
  if (output === undefined) throw new UsageError("expected -o FILE: what is written");
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runExport } = await import("./run-export.js");
  return runExport({ run, output, force, format, load: given({ checkpoint, weights, dataset, project }) });
}
