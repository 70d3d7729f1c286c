import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeFailure } from "../core/logging/failure";
import { surviveLostReaders } from "../core/logging/lost-readers";
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
 * Prints what a command was asked for. That nobody reads on (`| head`) is no failure; a file that cannot be written is one.
 */
export function printResult(text: string): void {
  process.stdout.write(text, (error) => {
    if (!error || (error as NodeJS.ErrnoException).code === "EPIPE") return;
    process.stderr.write(`cannot write to standard output: ${error.message}\n`);
    process.exitCode = EXIT.failed;
  });
}

/**
 * Runs a command to its end: prints a failure on stderr and sets the exit code.
 *
 * @param main - returns the exit code
 */
export async function runCommand(name: string, main: () => Promise<number>): Promise<void> {
  surviveLostReaders();
  try {
    const exitCode = await main();
    process.exitCode ||= exitCode;
  } catch (error) {
    process.stderr.write(`${name}: error: ${describeFailure(error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`see ${name} --help\n`);
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}
