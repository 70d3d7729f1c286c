#!/usr/bin/env node
/** `noether-eval`: runs the callbacks of a finished run on its saved weights. */
import { composeUnresolved } from "../config";
import { composeEvaluation } from "../inference/runners/evaluation-config";
import { EVALUATION_KEYS } from "../inference/runners/evaluation-keys";
import { withLocalInputDir } from "../inference/runners/local-input-dir";
import { runCommand } from "./command";
import type { HydraArguments } from "./hydra-arguments";
import { runHydraCommand } from "./hydra-command";
import { multirun } from "./multirun";
import { keyLines } from "./option-line";

const usage = `Usage: noether-eval CONFIG.yaml [key=value ...]
       noether-eval +input_dir=outputs +run_id=RUN [+stage_name=STAGE]
                    [+key=value ...]

Evaluates a finished run: its stored config (hp_resolved.yaml) with yours
merged over it, its weights, its callbacks. Results go to a stage of their own
next to the training stage (train -> train_eval, train_eval_2, ...).

Keys of the config file or the command line:
${keyLines(Object.entries(EVALUATION_KEYS).map(([key, row]) => ({ key, ...row })))}
Every other key changes the stored config (noether-train --help lists them);
trainer.callbacks replaces the callbacks of training.

Without a config file every key needs a plus. The options are those of
noether-train.
Exit codes: 0 done, 1 failed, 2 bad usage.
NOETHER_FULL_ERROR=1 shows the stack of an error.`;

async function run(args: HydraArguments): Promise<void> {
  const evaluation = composeEvaluation(await withLocalInputDir(composeUnresolved(args)));
  // only now, so that a mistake in the config shows at once; with extension, since a built file imports it natively
  const { evaluate } = await import("./run-evaluation.js");
  await evaluate(evaluation);
}

const command = { usage, run, multirun: (args: HydraArguments) => multirun(__filename, args, { keepsIds: true }) };

void runCommand("noether-eval", () => runHydraCommand(process.argv.slice(2), command));
