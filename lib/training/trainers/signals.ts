import { getLogger } from "../../core/logging";

/**
 * Notes requests to stop, so that the update in progress can be finished: SIGTERM (what batch systems send before they
 * kill), on request SIGINT (Ctrl+C). While it is open, the first of them does not end
 * the process; a second one does.
 */
export class StopSignals {
  #received: NodeJS.Signals | null = null;
  readonly #signals: readonly NodeJS.Signals[];
  readonly #handler = (signal: NodeJS.Signals): void => {
    if (this.#received !== null) {
      this.close();
      process.kill(process.pid, signal);
      return;
    }
    this.#received = signal;
    getLogger("BaseTrainer").warning(
      `received ${signal}: saving a checkpoint and stopping after the current update; once more stops at once`,
    );
  };

  constructor({ interrupt }: { readonly interrupt: boolean }) {
    this.#signals = interrupt ? ["SIGTERM", "SIGINT"] : ["SIGTERM"];
    for (const signal of this.#signals) process.on(signal, this.#handler);
  }

  /** The signal that came in, null if none. */
  get received(): NodeJS.Signals | null {
    return this.#received;
  }

  /** Signals have their usual effect again. */
  close(): void {
    for (const signal of this.#signals) process.off(signal, this.#handler);
  }
}
