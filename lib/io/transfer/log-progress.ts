import { fmtBytes } from "../format-bytes";
import { log } from "../logging";
import { type Clock, systemClock } from "../http/clock";

const MIB = 2 ** 20;
/** A terminal's line is written again after this many milliseconds. */
const REDRAW_EVERY = 200;

/** Where a line can be written over. */
export interface Terminal {
  /** Characters of a line; absent: not known. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** How progress is shown. */
export interface ProgressOptions {
  /** MiB between lines where the total is not known. Default: 32 */
  readonly mbStep?: number;
  readonly clock?: Clock;
  /** Where a line that is written over goes; null: lines in the log. Default: standard error if it is a terminal */
  readonly terminal?: Terminal | null;
}

/**
 * Progress of a transfer with its rate and the time that remains: one line that is written over on a terminal; elsewhere a
 * line in the log each 10 percent (20 below 100 MiB), or each so many MiB when the total is not known.
 */
export class LogProgress {
  readonly label: string;
  readonly #total: number;
  readonly #step: number;
  readonly #threshold: number;
  readonly #clock: Clock;
  readonly #terminal: Terminal | null;
  readonly #start: number;
  #next: number;
  #done = 0;
  /** Bytes that were there before, of which the rate knows nothing. */
  #resumed = 0;
  #last = 0;
  #drawn = -Infinity;
  #isClosed = false;

  constructor(label: string, totalBytes: number | null, options: ProgressOptions = {}) {
    this.label = label;
    this.#total = totalBytes ?? 0;
    this.#step = this.#total > 0 && this.#total < 100 * MIB ? 20 : 10;
    this.#next = this.#step;
    this.#threshold = (options.mbStep ?? 32) * MIB;
    this.#clock = options.clock ?? systemClock;
    this.#terminal = options.terminal === undefined ? (process.stderr.isTTY ? process.stderr : null) : options.terminal;
    this.#start = this.#clock.now();
  }

  /** Bytes that are there so far. */
  get done(): number {
    return this.#done;
  }

  /** More bytes are there; fewer, where some have to be fetched again. */
  update(delta: number): void {
    this.#done = Math.max(0, this.#done + delta);
    this.#report();
  }

  /** Bytes that an earlier transfer has left. */
  resume(bytes: number): void {
    this.#resumed += bytes;
    this.update(bytes);
  }

  #report(): void {
    if (this.#terminal !== null) return this.#draw(false);
    if (this.#total > 0) {
      const percent = Math.floor((this.#done * 100) / this.#total);
      let reached = 0;
      for (; percent >= this.#next && this.#next <= 100; this.#next += this.#step) reached = this.#next;
      if (reached > 0) this.#log(`[${this.label}] ${reached}% (${this.#amount()})${this.#rate()}`);
    } else if (this.#done - this.#last >= this.#threshold) {
      this.#last = this.#done;
      this.#log(`[${this.label}] downloaded ${fmtBytes(this.#done)}${this.#rate()}`);
    }
  }

  /** The end: `failed` when something went wrong, so that nobody takes a part for the whole. */
  close(failed = false): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#terminal !== null) {
      this.#draw(true);
      this.#terminal.write("\n");
    }
    if (failed) this.#log(`[${this.label}] failed after ${this.#amount()}`);
    else if (this.#total === 0 || this.#done < this.#total) this.#log(`[${this.label}] done (${this.#amount()})`);
  }

  #amount(): string {
    return this.#total > 0 ? `${fmtBytes(this.#done)}/${fmtBytes(this.#total)}` : fmtBytes(this.#done);
  }

  /** `, 5.00 MB/s, 4 s left`; nothing while no time has passed. */
  #rate(): string {
    const seconds = (this.#clock.now() - this.#start) / 1000;
    const rate = seconds > 0 ? (this.#done - this.#resumed) / seconds : 0;
    if (rate <= 0) return "";
    const left = Math.ceil(Math.max(0, this.#total - this.#done) / rate);
    return `, ${fmtBytes(rate)}/s${this.#total > 0 && left > 0 ? `, ${duration(left)} left` : ""}`;
  }

  #log(line: string): void {
    log.info(line);
  }

  #draw(always: boolean): void {
    const now = this.#clock.now();
    if (!always && now - this.#drawn < REDRAW_EVERY) return;
    this.#drawn = now;
    const percent = this.#total > 0 ? `${Math.floor((this.#done * 100) / this.#total)}% ` : "";
    const line = `[${this.label}] ${percent}(${this.#amount()})${this.#rate()}`;
    // a line that wraps could not be written over; the last column makes some terminals wrap
    const width = this.#terminal?.columns ? this.#terminal.columns - 1 : Infinity;
    this.#terminal?.write(`\r\u001b[K${line.length > width ? line.slice(0, Math.max(0, width)) : line}`);
  }
}

/** `45 s`, `3 min 5 s`, `2 h 10 min`. */
function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
