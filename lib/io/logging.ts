/** The log of everything that fetches: lines on standard error, without secrets. */
import { sanitize } from "./redact";

/** Levels, the lowest first. */
const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"] as const;
/** A level of the log. */
export type IoLogLevel = (typeof LEVELS)[number];

/** Takes messages; they hold no secrets. */
export type IoLogSink = (level: IoLogLevel, message: string) => void;

let threshold: IoLogLevel = "INFO";
let sink: IoLogSink = writeLine;

/**
 * @param options.debug also messages of the level DEBUG. Default: false
 * @param options.sink takes the messages. Default: lines `DD-MM-YYYY HH:mm:ss.SSS | LEVEL    | message` on standard error
 */
export function configureLogging(options: { readonly debug?: boolean; readonly sink?: IoLogSink } = {}): void {
  threshold = options.debug ? "DEBUG" : "INFO";
  sink = options.sink ?? writeLine;
}

function emit(level: IoLogLevel, message: string): void {
  if (LEVELS.indexOf(level) >= LEVELS.indexOf(threshold)) sink(level, sanitize(message));
}

/** One function a level. */
export const log = {
  debug: (message: string): void => emit("DEBUG", message),
  info: (message: string): void => emit("INFO", message),
  warning: (message: string): void => emit("WARNING", message),
  error: (message: string): void => emit("ERROR", message),
} as const;

const COLOURS: Readonly<Record<IoLogLevel, number>> = { DEBUG: 34, INFO: 1, WARNING: 33, ERROR: 31 };

function writeLine(level: IoLogLevel, message: string): void {
  const label = level.padEnd(8);
  const shown = process.stderr.isTTY ? `\u001b[${COLOURS[level]}m${label}\u001b[0m` : label;
  process.stderr.write(`${timestamp(new Date())} | ${shown} | ${message}\n`);
}

/** `DD-MM-YYYY HH:mm:ss.SSS`, local time. */
function timestamp(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${two(time.getDate())}-${two(time.getMonth() + 1)}-${time.getFullYear()}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date} ${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
