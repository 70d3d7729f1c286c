/** `noether-ts data COMMAND`: what has to do with data sets and their files. */
import { withSuggestion } from "../config/nearest-names";
import { EXIT } from "./command";
import { datasetStats } from "./dataset-stats";
import { UsageError } from "./hydra-arguments";

interface DataCommand {
  /** What it does, for the help. */
  readonly does: string;
  /** Returns the exit code. */
  readonly run: (args: readonly string[]) => number | Promise<number>;
}

/** A command is one entry here, and a file next to this one. */
const commands: Readonly<Record<string, DataCommand>> = {
  stats: { does: "statistics of the fields of a data set", run: datasetStats },
};

function usage(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`);
  return `Usage: noether-ts data COMMAND [options]

${lines.join("\n")}

Every command has --help.
Exit codes: 0 done, 1 failed, 2 bad usage.`;
}

/** Runs the command; returns the exit code. */
export function data([name, ...args]: readonly string[]): number | Promise<number> {
  if (name === undefined) {
    console.error(usage());
    return EXIT.usage;
  }
  if (["--help", "-h", "help"].includes(name)) {
    console.log(usage());
    return EXIT.ok;
  }
  if (Object.hasOwn(commands, name)) return commands[name]!.run(args);
  throw new UsageError(withSuggestion(`there is no command "${name}"`, name, Object.keys(commands)));
}
