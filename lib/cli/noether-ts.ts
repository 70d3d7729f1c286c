#!/usr/bin/env node
/** `noether-ts`: care of the installation. Training and evaluation have commands of their own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../torch/loader";
import { doctor } from "./doctor";

const usage = `Usage: noether-ts <command>

  doctor [--json]                                    what is installed, whether it works, what to do if not
  setup [--variant cpu|cu130] [--version 2.13.0]     find or fetch libtorch and compile the addon

Training:    noether-train CONFIG.yaml [key=value ...]
Evaluation:  noether-eval --help`;

function main([command, ...args]: readonly string[]): number {
  switch (command) {
    case "doctor":
      return doctor(args);
    case "setup": {
      const script = join(packageRoot(), "scripts", "setup.mjs");
      return spawnSync(process.execPath, [script, "--native", ...args], { stdio: "inherit" }).status ?? 1;
    }
    case undefined:
    case "help":
    case "--help":
    case "-h":
      console.log(usage);
      return 0;
    default:
      console.error(`expected one of the commands doctor and setup, got "${command}"\n\n${usage}`);
      return 2;
  }
}

process.exitCode = main(process.argv.slice(2));
