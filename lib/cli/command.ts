import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NoetherError } from "../config/errors";
import { packageRoot } from "../torch/loader";
import { UsageError } from "./hydra-arguments";

/** Exit codes of the commands. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Version of the installed package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string };
  return version;
}

/** The message for a person: one line for what went wrong with their input, the stack for what may be our bug. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = error instanceof NoetherError || error instanceof UsageError || "code" in error;
  return known && process.env["NOETHER_FULL_ERROR"] !== "1" ? error.message : (error.stack ?? error.message);
}

/**
 * Runs a command to its end: prints a failure on stderr and sets the exit code.
 *
 * @param main - returns the exit code
 */
export async function runCommand(name: string, main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${name}: error: ${describeFailure(error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`see ${name} --help\n`);
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}
