/** `noether-ts tracker sync RUN…`: sends metrics that a tracker did not get. */
import { existsSync } from "node:fs";
import { syncRun } from "../core/trackers";
import { RunLock } from "../training/runners/run-lock";
import { EXIT, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { readOptions } from "./read-options";

const HELP = `Usage: noether-ts tracker sync RUN...

Sends the metrics that the tracking service of a run (MLflow, Weights & Biases) did not get, to the run that it has there.
RUN is the folder of a run that has ended, with its hp_resolved.yaml: outputs/2026-01-31_a1b2c/train

Exit code: 0 when everything is sent, 1 when a service does not answer or refuses, 2 for wrong usage.
`;

export async function tracker(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(args, { help: { type: "boolean", short: "h" } }, true);
  if (values.help) {
    printResult(HELP);
    return EXIT.ok;
  }
  const [action, ...runs] = positionals;
  if (action !== "sync")
    throw new UsageError(
      action === undefined
        ? "expected: tracker sync RUN"
        : `there is no command "tracker ${action}"; there is: tracker sync`,
    );
  if (runs.length === 0) throw new UsageError("expected the folder of a run");
  let exitCode: number = EXIT.ok;
  for (const run of runs) {
    if (!existsSync(run)) throw new UsageError(`expected the folder of a run, there is no ${run}`);
    const lock = new RunLock(run);
    try {
      for (const { service, sent, problem } of await syncRun(run)) {
        printResult(`${run}: ${service}: ${problem ?? `${sent} updates sent`}\n`);
        if (problem !== null) exitCode = EXIT.failed;
      }
    } finally {
      lock.release();
    }
  }
  return exitCode;
}
