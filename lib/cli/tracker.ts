/** `noether-ts tracker sync RUN…`: sends metrics that a tracker did not get. */
import { existsSync } from "node:fs";
import { UsageError } from "./hydra-arguments";
import { commandLine, printHelp, readCommandLine } from "./options";

const COMMAND = commandLine({
  usage: ["noether-ts tracker sync RUN..."],
  about: `Sends the metrics and pictures that the tracking service of a run (MLflow,
Weights & Biases, Trackio) did not get, to the run that it has there. RUN is the
folder of a run that has ended, with its hp_resolved.yaml:
outputs/2026-01-31_a1b2c/train`,
  sections: [{ options: {} }],
  end: `Exit codes: 0 everything is sent, 1 a service does not answer or refuses,
2 bad usage.`,
});

export async function tracker(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  const [action, ...runs] = read.words;
  if (action !== "sync")
    throw new UsageError(
      action === undefined
        ? "expected: tracker sync RUN"
        : `there is no command "tracker ${action}"; there is: tracker sync`,
    );
  if (runs.length === 0) throw new UsageError("expected the folder of a run");
  const missing = runs.find((run) => !existsSync(run));
  if (missing !== undefined) throw new UsageError(`expected the folder of a run, there is no ${missing}`);
  // only now, so that a mistake shows at once; with extension, since a built file imports it natively
  const { runSync } = await import("./run-sync.js");
  return runSync(runs);
}
