/** Commands of commands: `noether-ts init`, `noether-ts data inspect`. */
import { withSuggestion } from "../config/nearest-names";
import { EXIT, packageVersion, printResult, runCommand } from "./command";
import { UsageError } from "./hydra-arguments";

/** One command of a group. */
export interface Subcommand {
  /** What it does, for the help. */
  readonly does: string;
  /** Returns the exit code. */
  readonly run: (args: readonly string[]) => number | Promise<number>;
}

/** Commands by name. */
export type Subcommands = Readonly<Record<string, Subcommand>>;

/** Runs the command that the first word names, or prints which there are; sets the exit code. `more` ends the help. */
export async function runSubcommand(
  group: string,
  subcommands: Subcommands,
  more: string,
  [name, ...args]: readonly string[],
): Promise<void> {
  const subcommand = name !== undefined && Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand !== undefined) return runCommand(`${group} ${name}`, async () => subcommand.run(args));
  return runCommand(group, async () => {
    if (name === undefined) {
      console.error(usage(group, subcommands, more));
      return EXIT.usage;
    }
    if (["help", "--help", "-h", "--version"].includes(name)) {
      printResult(`${name === "--version" ? packageVersion() : usage(group, subcommands, more)}\n`);
      return EXIT.ok;
    }
    throw new UsageError(withSuggestion(`there is no command "${name}"`, name, Object.keys(subcommands)));
  });
}

function usage(group: string, subcommands: Subcommands, more: string): string {
  const width = Math.max(...Object.keys(subcommands).map((name) => name.length));
  const lines = Object.entries(subcommands).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`);
  return `Usage: ${group} COMMAND [options]

${lines.join("\n")}

Every command has --help.${more}`;
}
