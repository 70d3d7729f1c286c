#!/usr/bin/env node
/** `noether-ts`: one command, many subcommands. Training and evaluation have commands of their own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { withSuggestion } from "../config/nearest-names";
import { packageRoot } from "../torch/loader";
import { EXIT, packageVersion, runCommand } from "./command";
import { data } from "./data";
import { development } from "./development";
import { doctor } from "./doctor";
import { UsageError } from "./hydra-arguments";
import { init } from "./init";
import { submitJob } from "./submit-job";
import { tracker } from "./tracker";

interface Subcommand {
  /** What it does, for the help. */
  readonly does: string;
  /** Returns the exit code. */
  readonly run: (args: readonly string[]) => number | Promise<number>;
}

/** A subcommand is one entry here, and a file `<name>.ts` next to this one if it is more than a line. */
const subcommands: Readonly<Record<string, Subcommand>> = {
  init: { does: "make a project that trains at once", run: init },
  development: { does: "a dry pass through a config, with everything printed", run: development },
  "train-submit-job": { does: "give runs to Slurm", run: submitJob },
  tracker: { does: "send metrics that a tracking service did not get", run: tracker },
  data: { does: "statistics of a data set", run: data },
  doctor: { does: "what is installed, whether it works, what to do if not", run: doctor },
  setup: {
    does: "find or fetch libtorch and compile the addon",
    run: (args) => {
      const script = join(packageRoot(), "scripts", "setup.mjs");
      return spawnSync(process.execPath, [script, "--native", ...args], { stdio: "inherit" }).status ?? EXIT.failed;
    },
  },
};

function usage(): string {
  const width = Math.max(...Object.keys(subcommands).map((name) => name.length));
  const lines = Object.entries(subcommands).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`);
  return `Usage: noether-ts COMMAND [options]

${lines.join("\n")}

Every command has --help. Training and evaluation have commands of their own:
noether-train --help, noether-eval --help`;
}

async function main([name, ...args]: readonly string[]): Promise<void> {
  const subcommand = name !== undefined && Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand !== undefined) return runCommand(`noether-ts ${name}`, async () => subcommand.run(args));
  return runCommand("noether-ts", async () => {
    if (name === undefined) {
      console.error(usage());
      return EXIT.usage;
    }
    if (["help", "--help", "-h", "--version"].includes(name)) {
      console.log(name === "--version" ? packageVersion() : usage());
      return EXIT.ok;
    }
    throw new UsageError(withSuggestion(`there is no command "${name}"`, name, Object.keys(subcommands)));
  });
}

void main(process.argv.slice(2));
