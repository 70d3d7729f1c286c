import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeFailure, surviveLostReaders } from "../core/logging";
import { packageRoot } from "../torch/loader";
import { UsageError } from "./hydra-arguments";

/** Exit codes of the commands. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Version of the installed package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string };
  return version;
}

/**
 * Runs a command to its end: prints a failure on stderr and sets the exit code.
 *
 * @param main - returns the exit code
 */
export async function runCommand(name: string, main: () => Promise<number>): Promise<void> {
  surviveLostReaders();
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${name}: error: ${describeFailure(error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`see ${name} --help\n`);
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}
