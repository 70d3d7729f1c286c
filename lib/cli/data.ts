/** `noether-ts data`: commands about data sets and their files. */
import { datasetStats } from "./dataset-stats";
import { ioGroups, runIoGroup } from "./io/run-io";
import { keepHeapSmall } from "./io/small-heap";
import { runSubcommand, type Subcommands } from "./subcommands";

/** The groups of `noether-data`. */
const fetching = Object.fromEntries(
  Object.entries(ioGroups).map(([name, { does }]) => [
    name,
    {
      does,
      run: async (args: readonly string[]) => {
        keepHeapSmall();
        return runIoGroup(`noether-ts data ${name}`, name, args);
      },
    },
  ]),
);

/** A command is one entry here, and a file next to this one. */
const subcommands: Subcommands = {
  inspect: {
    does: "what a file, a case or a folder of cases holds", // loads libtorch only when it runs
    run: async (args) => (await import("./data-inspect.js")).dataInspect(args),
  },
  preprocess: {
    does: "files of public data sets from those that their authors publish",
    run: async (args) => (await import("./data-preprocess.js")).dataPreprocess(args),
  },
  stats: { does: "statistics of the fields of a data set", run: datasetStats },
  ...fetching,
};

/** Runs the command that the first word names; sets the exit code. */
export function data(args: readonly string[]): Promise<void> {
  return runSubcommand("noether-ts data", subcommands, "\nExit codes: 0 done, 1 failed, 2 bad usage.", args);
}
