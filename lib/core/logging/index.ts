export {
  addGlobalHandlers,
  ConsoleHandler,
  FileHandler,
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
  dictToString,
  floatToScientificNotation,
  formatValue,
  secondsToDurationStr,
  shortNumberStr,
  summarizeIndicesList,
} from "./formatters";
export { type Clock, Stopwatch } from "./stopwatch";
