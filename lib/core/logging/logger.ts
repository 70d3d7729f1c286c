import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

import { describeFailure } from "./failure";
import { shortNumberStr } from "./formatters";
import { onLostReader, surviveLostReaders } from "./lost-readers";
import { showsColours, statusLine } from "./terminal";

/** Severity as in Python's `logging`. */
export const LogLevel = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40, CRITICAL: 50 } as const;

/** Name of a severity. */
export type LogLevelName = keyof typeof LogLevel;

/** How far training is when a message is logged; printed before the message. */
export interface LogContext {
  readonly epoch: number;
  readonly maxEpoch: number;
  readonly update: number;
  readonly maxUpdate: number;
}

/** One message on its way to the handlers. */
export interface LogRecord {
  readonly time: Date;
  readonly level: number;
  readonly name: string;
  readonly message: string;
  readonly error: unknown;
  readonly context: LogContext | null;
}

/** Receives messages of at least its level. */
export interface LogHandler {
  readonly level: number;
  handle(record: LogRecord): void;
}

/** Root of all loggers: level, handlers and the context of the training loop. */
class LoggingRoot {
  level: number = LogLevel.DEBUG;
  handlers: LogHandler[] = [];
  context: (() => LogContext | null) | null = null;

  log(
    level: number,
    name: string,
    message: string,
    error: unknown,
    takes: (handler: LogHandler) => boolean = () => true,
  ): void {
    if (level < this.level) {
      return;
    }
    const record: LogRecord = { time: new Date(), level, name, message, error, context: this.context?.() ?? null };
    // Without any set-up, warnings still reach the user.
    const handlers = this.handlers.length > 0 ? this.handlers : [lastResort];
    for (const handler of handlers) {
      if (level >= handler.level && takes(handler)) {
        handler.handle(record);
      }
    }
  }
}

/** Logs under a name. */
export class Logger {
  constructor(
    readonly name: string,
    private readonly root: LoggingRoot,
  ) {}

  /** A copy of what logs (a model) writes to the same log. */
  deepcopy(): this {
    return this;
  }

  debug(message: string): void {
    this.root.log(LogLevel.DEBUG, this.name, message, undefined);
  }

  info(message: string): void {
    this.root.log(LogLevel.INFO, this.name, message, undefined);
  }

  warning(message: string, error?: unknown): void {
    this.root.log(LogLevel.WARNING, this.name, message, error);
  }

  /** `error`: printed with its stack below the message. */
  error(message: string, error?: unknown): void {
    this.root.log(LogLevel.ERROR, this.name, message, error);
  }

  critical(message: string, error?: unknown): void {
    this.root.log(LogLevel.CRITICAL, this.name, message, error);
  }
}

const LETTERS: readonly [number, string][] = [
  [LogLevel.CRITICAL, "C"],
  [LogLevel.ERROR, "E"],
  [LogLevel.WARNING, "W"],
  [LogLevel.INFO, "I"],
];

const COLOURS: readonly [number, string][] = [
  [LogLevel.CRITICAL, "\u001b[31;1m"],
  [LogLevel.ERROR, "\u001b[31m"],
  [LogLevel.WARNING, "\u001b[33m"],
  [LogLevel.INFO, ""],
  [LogLevel.DEBUG, "\u001b[2m"],
];

/** What the console prints before messages that are not ordinary ones. */
const WORDS: readonly [number, string][] = [
  [LogLevel.CRITICAL, "critical: "],
  [LogLevel.ERROR, "error: "],
  [LogLevel.WARNING, "warning: "],
  [LogLevel.INFO, ""],
];

function at(table: readonly [number, string][], level: number, fallback: string): string {
  return table.find(([least]) => level >= least)?.[1] ?? fallback;
}

/** `2026-01-31T12:00:00 I E=1/10 U=5/100 message`, the stack of an error on the lines below. */
export function formatRecord(record: LogRecord): string {
  const { time, context } = record;
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const progress =
    context === null
      ? ""
      : `E=${shortNumberStr(context.epoch)}/${shortNumberStr(context.maxEpoch)} U=${shortNumberStr(context.update)}/${shortNumberStr(context.maxUpdate)} `;
  return `${date}T${clockTime(time)} ${at(LETTERS, record.level, "D")} ${progress}${record.message}${traceOf(record)}`;
}

/** `12:00:00 message`, `12:00:00 warning: message`: what people read while they watch. */
export function formatForConsole(record: LogRecord): string {
  return `${clockTime(record.time)} ${at(WORDS, record.level, "")}${record.message}${traceOf(record)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function clockTime(time: Date): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

function traceOf({ error }: LogRecord): string {
  return error === undefined ? "" : `\n${describeFailure(error)}`;
}

/** Writes to the standard error stream, above the status line and coloured by severity where the terminal shows colours. */
export class ConsoleHandler implements LogHandler {
  constructor(readonly level: number = LogLevel.INFO) {}

  handle(record: LogRecord): void {
    const line = formatForConsole(record);
    const colour = showsColours(process.stderr) ? at(COLOURS, record.level, "") : "";
    statusLine.above(colour === "" ? `${line}\n` : `${colour}${line}\u001b[0m\n`);
  }
}

/** Appends to a file. A file that cannot be written is reported once and then left alone: training continues. */
export class FileHandler implements LogHandler {
  readonly level = LogLevel.DEBUG;
  #failed = false;

  constructor(readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
  }

  handle(record: LogRecord): void {
    if (this.#failed) {
      return;
    }
    try {
      appendFileSync(this.path, `${formatRecord(record)}\n`);
    } catch (error) {
      this.#failed = true;
      process.stderr.write(
        `cannot write log file '${this.path}': ${error instanceof Error ? error.message : String(error)}\n`,
      );
    }
  }
}

/** Counts warnings and worse. */
export class MessageCounter implements LogHandler {
  readonly level = LogLevel.WARNING;
  readonly counts = new Map<number, number>();

  handle(record: LogRecord): void {
    this.counts.set(record.level, (this.counts.get(record.level) ?? 0) + 1);
  }

  /** Messages of one severity so far. */
  count(level: number): number {
    return this.counts.get(level) ?? 0;
  }

  /** Logs how many warnings and errors there were, if there were any. */
  log(): void {
    const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? "" : "s"}`;
    const [warnings, errors] = [this.count(LogLevel.WARNING), this.count(LogLevel.ERROR)];
    if (warnings + errors === 0) return;
    getLogger("MessageCounter").info(`${counted(warnings, "warning")} and ${counted(errors, "error")} in this run`);
  }
}

const lastResort = new ConsoleHandler(LogLevel.WARNING);
const root = new LoggingRoot();

/** Logger of a name. */
export function getLogger(name: string): Logger {
  return new Logger(name, root);
}

/** The root of all loggers. */
export function rootLogger(): { level: number; handlers: LogHandler[] } {
  return root;
}

/** What `log_level` may be. */
export const CONSOLE_LEVELS = ["debug", "info", "warning", "error"] as const;
/** One of {@link CONSOLE_LEVELS}. */
export type ConsoleLevel = (typeof CONSOLE_LEVELS)[number];

/** Options of {@link addGlobalHandlers}. */
export interface GlobalHandlerOptions {
  /** Log file of the run, appended to. */
  readonly logFile?: string | null;
  /** Least severity that the console prints; the log file has all messages. Default: `info`. */
  readonly level?: ConsoleLevel;
  /** Only the first process of a distributed run prints and writes. */
  readonly isRank0?: boolean;
}

/** Notes in the log file alone why a run failed: whoever started it gets the error itself. */
export function logFailure(error: unknown): void {
  root.log(LogLevel.CRITICAL, "runner", "the run failed:", error, (handler) => handler instanceof FileHandler);
}

/** Replaces all handlers: console on stderr, the log file, and a counter of warnings, which is returned. */
export function addGlobalHandlers({
  logFile = null,
  level = "info",
  isRank0 = true,
}: GlobalHandlerOptions = {}): MessageCounter {
  root.level = isRank0 ? LogLevel.DEBUG : LogLevel.CRITICAL;
  root.handlers = [new ConsoleHandler(LogLevel[level.toUpperCase() as LogLevelName])];
  if (isRank0 && logFile !== null) {
    root.handlers.push(new FileHandler(logFile));
  }
  surviveLostReaders();
  onLostReader((message) =>
    root.log(LogLevel.WARNING, "logging", message, undefined, (handler) => handler instanceof FileHandler),
  );
  const counter = new MessageCounter();
  root.handlers.push(counter);
  return counter;
}

/** From now on nothing is written to the log file of a run: it is over, and the process may do other things. */
export function closeLogFile(): void {
  root.handlers = root.handlers.filter((handler) => !(handler instanceof FileHandler));
}

/** Puts the progress of training before every message while `run` runs. */
export async function withLogContext<T>(context: () => LogContext | null, run: () => Promise<T>): Promise<T> {
  const before = root.context;
  root.context = context;
  try {
    return await run();
  } finally {
    root.context = before;
  }
}
