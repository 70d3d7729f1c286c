import { getLogger } from "../../core/logging";

/** Options of {@link StopSignals}. */
export interface StopSignalsOptions {
  /** SIGINT (Ctrl-C) is a request to stop like SIGTERM; otherwise it ends the process. */
  readonly interrupt: boolean;
  /** Called before Ctrl-C ends the process: removes what is not finished. */
  readonly onEnd: () => void;
}

/**
 * Notes requests to stop, so that the update in progress can be finished: SIGTERM (what batch systems send before they
 * kill), on request SIGINT (Ctrl-C). While it is open, the first of them does not end the process; a second one does.
 * Without that request Ctrl-C ends the process as always, but says what that means.
 */
export class StopSignals {
  #received: NodeJS.Signals | null = null;
  readonly #options: StopSignalsOptions;
  readonly #stop = (signal: NodeJS.Signals): void => {
    if (this.#received !== null) return this.#end(signal);
    this.#received = signal;
    getLogger("BaseTrainer").warning(
      `received ${signal}: saving a checkpoint and stopping after the current update; a second signal stops at once`,
    );
  };
  readonly #abort = (signal: NodeJS.Signals): void => {
    getLogger("BaseTrainer").warning(
      "interrupted: ending at once, without a checkpoint of this update (trainer.save_on_sigint: true saves one on Ctrl-C)",
    );
    this.#end(signal);
  };

  constructor(options: StopSignalsOptions) {
    this.#options = options;
    process.on("SIGTERM", this.#stop);
    process.on("SIGINT", options.interrupt ? this.#stop : this.#abort);
  }

  /** The signal that came in, null if none. */
  get received(): NodeJS.Signals | null {
    return this.#received;
  }

  /** Signals have their usual effect again. */
  close(): void {
    process.off("SIGTERM", this.#stop);
    process.off("SIGINT", this.#stop);
    process.off("SIGINT", this.#abort);
  }

  #end(signal: NodeJS.Signals): void {
    this.close();
    this.#options.onEnd();
    process.kill(process.pid, signal);
  }
}
