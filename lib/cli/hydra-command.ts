import { EXIT, packageVersion, printResult } from "./command";
import { parseHydraArguments, type HydraArguments } from "./hydra-arguments";
import { showConfig, showInfo } from "./show-config";

/** What makes a command that takes a config and overrides. */
export interface HydraCommand {
  readonly usage: string;
  /** What `--help` says beyond that: the keys of configs. */
  readonly keys?: string;
  /** Flags of its own beside Hydra's. */
  readonly flags?: readonly string[];
  /** What the command does with a config. */
  readonly run: (args: HydraArguments) => Promise<void>;
  /** What it does with a sweep; returns the exit code. */
  readonly multirun: (args: HydraArguments) => Promise<number> | number;
}

/** Runs a command with Hydra's command line; returns the exit code. */
export async function runHydraCommand(
  args: readonly string[],
  { usage, keys, flags, run, multirun }: HydraCommand,
): Promise<number> {
  if (args.length === 0) {
    console.error(usage);
    return EXIT.usage;
  }
  const parsed = parseHydraArguments(args, process.cwd(), flags);
  switch (parsed.action) {
    case "help":
      printResult(`${[usage, ...(keys === undefined ? [] : [keys])].join("\n\n")}\n`);
      return EXIT.ok;
    case "version":
      printResult(`${packageVersion()}\n`);
      return EXIT.ok;
    case "show-config":
      printResult(showConfig(parsed));
      return EXIT.ok;
    case "info":
      printResult(showInfo(parsed));
      return EXIT.ok;
    case "multirun":
      return multirun(parsed);
    case "run":
      await run(parsed);
      return EXIT.ok;
  }
}
