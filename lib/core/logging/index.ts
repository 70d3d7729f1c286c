export {
  addGlobalHandlers,
  closeLogFile,
  CONSOLE_LEVELS,
  ConsoleHandler,
  type ConsoleLevel,
  FileHandler,
  formatForConsole,
  formatRecord,
  getLogger,
  logFailure,
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
export { describeFailure } from "./failure";
export { ignoreHangUp, surviveLostReaders } from "./lost-readers";
export { fitParts, showsColours, StatusLine, statusLine } from "./terminal";
export {
  arrayToString,
  compactNumber,
  floatToScientificNotation,
  formatValue,
  durationForPeople,
  secondsToDurationStr,
  shortNumberStr,
  summarizeIndicesList,
} from "./formatters";
export { type Clock, Stopwatch } from "./stopwatch";
