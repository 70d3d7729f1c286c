import { EXIT, packageVersion } from "./command";
import { parseHydraArguments, type HydraArguments } from "./hydra-arguments";
import { multirun } from "./multirun";
import { showConfig, showInfo } from "./show-config";

/** What makes a command that takes a config and overrides. */
export interface HydraCommand {
  readonly usage: string;
  /** The command's own file: a sweep starts it once for each job. */
  readonly script: string;
  /** What the command does with a config. */
  readonly run: (args: HydraArguments) => Promise<void>;
}

/** Runs a command with Hydra's command line; returns the exit code. */
export async function runHydraCommand(args: readonly string[], { usage, script, run }: HydraCommand): Promise<number> {
  if (args.length === 0) {
    console.error(usage);
    return EXIT.usage;
  }
  const parsed = parseHydraArguments(args);
  switch (parsed.action) {
    case "help":
      console.log(usage);
      return EXIT.ok;
    case "version":
      console.log(packageVersion());
      return EXIT.ok;
    case "show-config":
      process.stdout.write(showConfig(parsed));
      return EXIT.ok;
    case "info":
      process.stdout.write(showInfo(parsed));
      return EXIT.ok;
    case "multirun":
      return multirun(script, parsed);
    case "run":
      await run(parsed);
      return EXIT.ok;
  }
}
