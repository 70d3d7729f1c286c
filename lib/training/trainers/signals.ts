import { getLogger } from "../../core/utils/logging";

/**
 * Notes requests to stop, so that the update in progress can be finished: SIGTERM (what batch systems send before they
 * kill), on request SIGINT (Ctrl+C). While it is open, these signals do not end the process.
 */
export class StopSignals {
  #received: NodeJS.Signals | null = null;
  readonly #signals: readonly NodeJS.Signals[];
  readonly #handler = (signal: NodeJS.Signals): void => {
    getLogger("BaseTrainer").warning(`received ${signal}: saving a checkpoint and stopping after the current update`);
    this.#received = signal;
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
