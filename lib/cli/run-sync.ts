import { describeFailure } from "../core/logging/failure";
import { syncRun } from "../core/trackers";
import { RunLock } from "../training/runners/run-lock";
import { EXIT, printResult } from "./command";

/** Sends what the services of runs did not get. Importing this file loads libtorch. */
export async function runSync(runs: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  for (const run of runs) {
    let lock: RunLock | undefined;
    try {
      lock = new RunLock(run);
      for (const { service, sent, problem } of await syncRun(run)) {
        printResult(
          `${run}: ${service}: ${problem ?? `${sent!.updates} updates and ${sent!.pictures} pictures sent`}\n`,
        );
        if (problem !== null) exitCode = EXIT.failed;
      }
    } catch (error) {
      // the other runs are sent all the same
      process.stderr.write(`${run}: ${describeFailure(error)}\n`);
      exitCode = EXIT.failed;
    } finally {
      lock?.release();
    }
  }
  return exitCode;
}
