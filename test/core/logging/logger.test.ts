import { readFileSync } from "node:fs";
import { join } from "node:path";

import {
  addGlobalHandlers,
  formatRecord,
  getLogger,
  LogLevel,
  rootLogger,
  withLogContext,
} from "../../../lib/core/logging";
import { temporaryFolder } from "../../support/small-run";

let written: jest.SpyInstance;
let before: ReturnType<typeof rootLogger>["handlers"];
beforeEach(() => {
  before = rootLogger().handlers;
  written = jest.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  written.mockRestore();
  rootLogger().handlers = before;
  rootLogger().level = LogLevel.DEBUG;
});
const printed = (): string => written.mock.calls.map(([text]) => text as string).join("");
const logger = getLogger("test");

test("lines have time, severity and message", () => {
  const record = {
    time: new Date(2026, 0, 31, 12, 5, 9),
    level: LogLevel.WARNING,
    name: "x",
    message: "careful",
    error: undefined,
    context: null,
  };
  expect(formatRecord(record)).toBe("2026-01-31T12:05:09 W careful");
  const context = { epoch: 1, maxEpoch: 10, update: 1500, maxUpdate: 1234567 };
  expect(formatRecord({ ...record, level: LogLevel.INFO, context })).toBe(
    "2026-01-31T12:05:09 I E=1/10 U=1.5K/1.2M careful",
  );
  expect(formatRecord({ ...record, level: LogLevel.ERROR, error: new Error("broken") })).toMatch(
    /E careful\nError: broken\n/,
  );
});

test("without set-up warnings are printed, the rest is not", () => {
  logger.info("quiet");
  logger.warning("loud");
  expect(printed()).toContain("loud");
  expect(printed()).not.toContain("quiet");
});

test("the console has messages from info on, the file all of them", () => {
  const folder = temporaryFolder();
  const logFile = join(folder.path, "run", "log.txt");
  addGlobalHandlers({ logFile });
  expect(rootLogger().handlers).toHaveLength(3);
  logger.debug("fine");
  logger.info("coarse");
  addGlobalHandlers({ logFile, level: "debug" });
  logger.debug("finer");
  const text = readFileSync(logFile, "utf8");
  expect(text).toMatch(/D fine\n.*I coarse\n.*D finer\n/);
  expect(printed()).toMatch(/^\d\d:\d\d:\d\d coarse\n\d\d:\d\d:\d\d finer\n$/);
  folder.remove();
});

test("other processes than the first print nothing", () => {
  addGlobalHandlers({ isRank0: false });
  expect(rootLogger().handlers).toHaveLength(2);
  logger.error("hidden");
  expect(printed()).toBe("");
});

test("warnings and errors are counted", () => {
  const counter = addGlobalHandlers();
  logger.warning("a");
  logger.warning("b");
  logger.error("c");
  logger.critical("d");
  counter.log();
  expect([LogLevel.WARNING, LogLevel.ERROR, LogLevel.CRITICAL].map((level) => counter.count(level))).toEqual([2, 1, 1]);
  expect(printed()).toMatch(/ 2 warnings and 1 error in this run\n$/);
});

test("the progress of training is in front of the log file's messages while it lasts", async () => {
  const folder = temporaryFolder();
  const logFile = join(folder.path, "log.txt");
  addGlobalHandlers({ logFile });
  await withLogContext(
    () => ({ epoch: 1, maxEpoch: 2, update: 3, maxUpdate: 4 }),
    async () => logger.info("inside"),
  ).catch(() => undefined);
  logger.info("outside");
  expect(readFileSync(logFile, "utf8")).toMatch(/I E=1\/2 U=3\/4 inside\n.*I outside/);
  expect(printed()).toMatch(/^\S+ inside\n\S+ outside\n$/);
  folder.remove();
});

test.each([
  ["debug", "debug info warning error"],
  ["info", "info warning error"],
  ["warning", "warning error"],
  ["error", "error"],
] as const)("level %s prints %s", (level, expected) => {
  addGlobalHandlers({ level });
  for (const severity of ["debug", "info", "warning", "error"] as const) logger[severity](`<${severity}>`);
  expect([...printed().matchAll(/<(\w+)>/g)].map(([, severity]) => severity).join(" ")).toBe(expected);
});

test("warnings and errors are called so on the console", () => {
  addGlobalHandlers();
  logger.warning("careful");
  logger.error("broken");
  expect(printed()).toMatch(/^\S+ warning: careful\n\S+ error: broken\n$/);
});
