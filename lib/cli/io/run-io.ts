import { configureLogging, messageOf, ParallelErrors } from "../../io";
import { withSuggestion } from "../../config/nearest-names";
import { EXIT, packageVersion, printResult } from "../command";
import { surviveLostReaders } from "../../core/logging/lost-readers";
import { UsageError } from "../hydra-arguments";
import { aws } from "./aws";
import { checkpoint } from "./checkpoint";
import type { IoCommand } from "./io-command";
import { printError } from "./print-error";
import { huggingface } from "./huggingface";
import { verification } from "./verification";

/** Commands of a group, by name. */
export interface IoGroup {
  readonly does: string;
  readonly commands: Readonly<Record<string, IoCommand>>;
}

/** Groups of `noether-data`, which are also commands of `noether-ts data`. */
export const ioGroups: Readonly<Record<string, IoGroup>> = {
  huggingface: { does: "fetch from the Hugging Face Hub", commands: huggingface },
  aws: { does: "fetch from S3 and what speaks its protocol", commands: aws },
  checkpoint: { does: "fetch and check checkpoints: hf://, s3://, file://, paths", commands: checkpoint },
  verification: { does: "record files in a manifest, compare files with one", commands: verification },
};

/** Runs `noether-data`: returns the exit code. */
export async function runIo(args: readonly string[]): Promise<number> {
  const { debug, rest } = takeDebug(args);
  const [name, ...more] = rest;
  return guarded("noether-data", async () => {
    if (name === undefined || name === "--help" || name === "-h") return print(rootHelp());
    if (name === "--version") return print(packageVersion());
    const group = Object.hasOwn(ioGroups, name) ? ioGroups[name] : undefined;
    if (group === undefined)
      throw new UsageError(
        name.startsWith("-")
          ? `unknown option ${name}`
          : withSuggestion(`there is no command "${name}"`, name, Object.keys(ioGroups)),
      );
    return runGroup(`noether-data ${name}`, group, more, debug);
  });
}

/** Runs one group, under another command's name: returns the exit code. */
export async function runIoGroup(command: string, name: string, args: readonly string[]): Promise<number> {
  return guarded(command, () => runGroup(command, ioGroups[name] as IoGroup, args, false));
}

async function runGroup(title: string, group: IoGroup, args: readonly string[], debug: boolean): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h") return print(groupHelp(title, group));
  const command = Object.hasOwn(group.commands, name) ? group.commands[name] : undefined;
  if (command === undefined)
    throw new UsageError(withSuggestion(`there is no command "${name}"`, name, Object.keys(group.commands)));
  const full = `${title} ${name}`;
  return guarded(full, () => command.run(full, rest, (more) => configureLogging({ debug: debug || more })));
}

/** `--debug` and `--no-debug` before the command. */
function takeDebug(args: readonly string[]): { debug: boolean; rest: readonly string[] } {
  const count = args.findIndex((arg) => arg !== "--debug" && arg !== "--no-debug");
  const flags = count < 0 ? args : args.slice(0, count);
  return { debug: flags.at(-1) === "--debug", rest: count < 0 ? [] : args.slice(count) };
}

/** Prints what went wrong, without secrets, and gives the exit code for it. */
async function guarded(name: string, run: () => Promise<number>): Promise<number> {
  surviveLostReaders();
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) {
      printError(`${error.message}\nsee ${name} --help`);
      return EXIT.usage;
    }
    if (error instanceof ParallelErrors) {
      for (const [input, cause] of error.errors)
        printError(`Task failed for input: ${describe(input)} → ${messageOf(cause)}`);
      return EXIT.failed;
    }
    if (process.env["NOETHER_FULL_ERROR"] === "1" && error instanceof Error) printError(error.stack ?? "");
    printError(`Error: ${messageOf(error)}`);
    return EXIT.failed;
  }
}

function describe(input: unknown): string {
  if (typeof input !== "object" || input === null) return JSON.stringify(input);
  const { remote, path } = input as { remote?: { name?: string }; path?: string };
  return remote?.name ?? path ?? JSON.stringify(input);
}

function print(text: string): number {
  printResult(`${text}\n`);
  return EXIT.ok;
}

function rootHelp(): string {
  return `Usage: noether-data [--debug] COMMAND …

${list(Object.entries(ioGroups).map(([name, { does }]) => [name, does]))}

Every command has --help. Also: noether-ts data COMMAND …
Credentials: HF_TOKEN; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL of the environment, or of
~/.config/emmi/config.json. Without them requests are anonymous.
Exit codes: 0 done, 1 failed, 2 bad usage.`;
}

function groupHelp(title: string, { does, commands }: IoGroup): string {
  return `Usage: ${title} COMMAND …

To ${does}.

${list(Object.entries(commands).map(([name, command]) => [name, command.does]))}

Every command has --help.`;
}

function list(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, does]) => `  ${name.padEnd(width)}  ${does}`).join("\n");
}
