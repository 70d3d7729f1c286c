/** `noether-development`, `noether-ts development`: one dry pass through a config's parts. */
import { join } from "node:path";
import { composeConfig } from "../config";
import { requireFile, type HydraArguments } from "./hydra-arguments";
import { runHydraCommand } from "./hydra-command";
import { multirun } from "./multirun";

const usage = `Usage: noether-development CONFIG.yaml [key=value ...]

A dry pass through what a config describes, for those who write data sets,
models, trainers and callbacks. Prints, with shapes, ranges and first values:

  data        a random sample of the training set
  pipeline    the batch that is made of some samples
              (development_batch_size, default 2)
  model       what forward gives for this batch
  trainer     the losses of one step, and parameters that got no gradient
  callbacks   what each one with a data set makes of a batch

It computes on the CPU, writes no file and changes no weight; +seed=1 takes
other samples. The options and overrides are those of noether-train.
Also: noether-ts development CONFIG.yaml
Exit codes: 0 done, 1 failed, 2 bad usage.
NOETHER_FULL_ERROR=1 shows the stack of an error.`;

async function run(args: HydraArguments): Promise<void> {
  requireFile(args);
  const composed = composeConfig(args);
  // only now, so that a mistake in the config shows at once; with extension, since a built file imports it natively
  const { runDevelopment } = await import("./run-development.js");
  await runDevelopment(composed);
}

/** Runs the command; returns the exit code. */
export function development(args: readonly string[]): Promise<number> {
  const script = join(__dirname, "noether-development.js");
  return runHydraCommand(args, { usage, run, multirun: (parsed) => multirun(script, parsed, { hasResults: false }) });
}
