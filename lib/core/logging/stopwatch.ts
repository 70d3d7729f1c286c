import { AssertionError } from "../../config/python-errors";

/** Seconds on a clock that never goes back. */
export type Clock = () => number;

const monotonicSeconds: Clock = () => performance.now() / 1000;

/** Sums up wall-clock time of one or more laps. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #laps: number[] = [];
  #start: number | null = null;

  constructor(clock: Clock = monotonicSeconds) {
    this.#clock = clock;
  }

  /** Starts, or resumes after a stop. */
  start(): this {
    if (this.#start !== null) {
      throw new AssertionError("can't start running stopwatch");
    }
    this.#start = this.#clock();
    return this;
  }

  /** Ends a lap and starts the next; returns the seconds of the one that ended. */
  lap(): number {
    if (this.#start === null) {
      throw new AssertionError("lap requires stopwatch to be started");
    }
    const seconds = this.#clock() - this.#start;
    this.#laps.push(seconds);
    this.#start = this.#clock();
    return seconds;
  }

  /** Ends the last lap; returns its seconds. */
  stop(): number {
    if (this.#start === null) {
      throw new AssertionError("can't stop a stopped stopwatch");
    }
    const seconds = this.#clock() - this.#start;
    this.#laps.push(seconds);
    this.#start = null;
    return seconds;
  }

  /** Runs a function as one lap. */
  measure<T>(run: () => T): T {
    this.start();
    try {
      return run();
    } finally {
      this.stop();
    }
  }

  /** Seconds of all laps; only of a stopped watch. */
  get elapsedSeconds(): number {
    if (this.#start !== null) {
      throw new AssertionError("elapsed_seconds requires stopwatch to be stopped");
    }
    if (this.#laps.length === 0) {
      throw new AssertionError("elapsed_seconds requires stopwatch to have been started");
    }
    return this.#total();
  }

  get elapsedMilliseconds(): number {
    return this.elapsedSeconds * 1000;
  }

  get lapCount(): number {
    return this.#laps.length;
  }

  get lastLapTime(): number {
    const last = this.#laps[this.#laps.length - 1];
    if (last === undefined) {
      throw new AssertionError("last_lap_time requires lap()/stop() to be called at least once");
    }
    return last;
  }

  get averageLapTime(): number {
    if (this.#laps.length === 0) {
      throw new AssertionError("average_lap_time requires lap()/stop() to be called at least once");
    }
    return this.#total() / this.#laps.length;
  }

  #total(): number {
    return this.#laps.reduce((sum, seconds) => sum + seconds, 0);
  }
}
