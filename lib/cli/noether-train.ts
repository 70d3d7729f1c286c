#!/usr/bin/env node
/** `noether-train`: composes a config from YAML and overrides and trains. */
import { join } from "node:path";
import { composeConfig } from "../config";
import { packageRoot } from "../torch/loader";
import { runCommand } from "./command";
import { RUN_KEYS, TRAINER_KEYS } from "./config-keys.generated";
import { HYDRA_FLAGS_HELP, requireFile, type HydraArguments } from "./hydra-arguments";
import { runHydraCommand } from "./hydra-command";
import { multirun } from "./multirun";
import { keyLines } from "./option-line";

const usage = `Usage: noether-train CONFIG.yaml [key=value ...]
       noether-train [key=value ...] --hp CONFIG.yaml

Trains a model. The config is composed as Hydra does it: defaults lists,
groups, overrides, interpolations.

Overrides:
  key=value             change a value     trainer.max_epochs=10
                                           'devices="0"'
  +key=value            add a key          +seed=1
  ++key=value           change or add
  ~key                  delete a key or a choice
  group=option          another file       optimizer=lion
  +group=option         add a file         +experiment/shapenet=ab_upt

Options:
${HYDRA_FLAGS_HELP}

Resuming: +resume_run_id=RUN [+resume_stage_name=STAGE]
          [+resume_checkpoint=latest|E10|TAG]
Watching: +dashboard=true prints the address of a page that shows the run;
          noether-ts dashboard shows all runs, also afterwards.
SIGTERM ends training after the current update with a checkpoint and exit
code 0.
Exit codes: 0 done, 1 failed, 2 bad usage.
NOETHER_FULL_ERROR=1 shows the stack of an error.
Configs: ${join(packageRoot(), "docs", "config.md")}
--help also lists the keys of configs.`;

const keys = `Keys of a config:
${keyLines(RUN_KEYS)}

Keys of trainer, for every kind:
${keyLines(TRAINER_KEYS)}

noether-ts schema --keys KIND lists those of one kind, of a model or a callback;
noether-ts schema prints the JSON schema of configs, for editors.`;

async function run(args: HydraArguments): Promise<void> {
  requireFile(args);
  const composed = composeConfig(args);
  // only now, so that a mistake in the config shows at once; with extension, since a built file imports it natively
  const { train } = await import("./run-training.js");
  await train(composed);
}

const command = { usage, keys, run, multirun: (args: HydraArguments) => multirun(__filename, args) };

void runCommand("noether-train", () => runHydraCommand(process.argv.slice(2), command));
