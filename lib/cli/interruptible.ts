import { statusLine } from "../core/logging/terminal";

/** Exit code of a command that Ctrl-C stopped, as shells have it. */
export const INTERRUPTED = 130;

class Interruption extends Error {}

/**
 * Runs a command that Ctrl-C stops at the next chance; a second one ends the process at once.
 *
 * @returns what the command returns, or `code` when it was stopped
 */
export async function interruptible(run: (signal: AbortSignal) => Promise<number>, code: number): Promise<number> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(new Interruption());
  process.once("SIGINT", interrupt);
  try {
    return await run(controller.signal);
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    statusLine.hide();
    process.stderr.write("interrupted: nothing was written of what was under way\n");
    return code;
  } finally {
    statusLine.hide();
    process.off("SIGINT", interrupt);
  }
}
