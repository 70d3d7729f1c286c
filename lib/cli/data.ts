/** `noether-ts data`: commands about data sets and their files. */
import { dataInspect } from "./data-inspect";
import { datasetStats } from "./dataset-stats";
import { runSubcommand, type Subcommands } from "./subcommands";

/** A command is one entry here, and a file next to this one. */
const subcommands: Subcommands = {
  inspect: { does: "what a file, a case or a folder of cases holds", run: dataInspect },
  stats: { does: "statistics of the fields of a data set", run: datasetStats },
};

/** Runs the command that the first word names; sets the exit code. */
export function data(args: readonly string[]): Promise<void> {
  return runSubcommand("noether-ts data", subcommands, "\nExit codes: 0 done, 1 failed, 2 bad usage.", args);
}
