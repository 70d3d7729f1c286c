export {
  addGlobalHandlers,
  CONSOLE_LEVELS,
  ConsoleHandler,
  type ConsoleLevel,
  FileHandler,
  formatForConsole,
  formatRecord,
  getLogger,
  type GlobalHandlerOptions,
  type LogContext,
  Logger,
  type LogHandler,
  LogLevel,
  type LogLevelName,
  type LogRecord,
  MessageCounter,
  rootLogger,
  withLogContext,
} from "./logger";
export {
  arrayToString,
  floatToScientificNotation,
  formatValue,
  secondsToDurationStr,
  shortNumberStr,
  summarizeIndicesList,
} from "./formatters";
export { type Clock, Stopwatch } from "./stopwatch";
export { surviveLostReaders } from "./lost-readers";
