/** Time as transfers see it; tests have one of their own and do not sleep. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Ends early, with the signal's reason as the error, when the signal is given. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** A number from 0 to 1, for waits that differ from client to client. */
  random(): number;
}

/** The time of the system. */
export const systemClock: Clock = {
  now: () => Date.now(),
  random: Math.random,
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      signal?.addEventListener("abort", stop, { once: true });
    }),
};
