#!/usr/bin/env node
/** `noether-ts`: one command, many subcommands. Training and evaluation have commands of their own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suggestNames } from "../config/nearest-names";
import { packageRoot } from "../torch/loader";
import { EXIT, runCommand } from "./command";
import { development } from "./development";
import { doctor } from "./doctor";
import { init } from "./init";
import { submitJob } from "./submit-job";

interface Subcommand {
  /** Its arguments, for the help. */
  readonly args: string;
  /** What it does, for the help. */
  readonly does: string;
  /** Returns the exit code. */
  readonly run: (args: readonly string[]) => number | Promise<number>;
}

/** A subcommand is one entry here, and a file `<name>.ts` next to this one if it is more than a line. */
const subcommands: Readonly<Record<string, Subcommand>> = {
  init: { args: "NAME [options]", does: "make a project that trains at once (init --help)", run: init },
  development: { args: "CONFIG.yaml [key=value ...]", does: "a dry pass with everything printed", run: development },
  "train-submit-job": { args: "CONFIG.yaml [key=value ...]", does: "give runs to Slurm", run: submitJob },
  doctor: { args: "[--json]", does: "what is installed, whether it works, what to do if not", run: doctor },
  setup: {
    args: "[--variant cpu|cu130] [--version 2.13.0]",
    does: "find or fetch libtorch and compile the addon",
    run: (args) => {
      const script = join(packageRoot(), "scripts", "setup.mjs");
      return spawnSync(process.execPath, [script, "--native", ...args], { stdio: "inherit" }).status ?? EXIT.failed;
    },
  },
};

function usage(): string {
  const lines = Object.entries(subcommands).map(
    ([name, { args, does }]) => `  ${`${name} ${args}`.padEnd(50)} ${does}`,
  );
  return `Usage: noether-ts <command>

${lines.join("\n")}

Training:    noether-train CONFIG.yaml [key=value ...]
Evaluation:  noether-eval --help`;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) {
    console.error(usage());
    return EXIT.usage;
  }
  if (["help", "--help", "-h"].includes(name)) {
    console.log(usage());
    return EXIT.ok;
  }
  const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand === undefined) {
    console.error(`expected a command, got "${name}"; ${suggestNames(name, Object.keys(subcommands))}\n\n${usage()}`);
    return EXIT.usage;
  }
  return subcommand.run(args);
}

void runCommand("noether-ts", () => main(process.argv.slice(2)));
