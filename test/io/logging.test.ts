import { configureLogging } from "../../lib/io";
import { log } from "../../lib/io/logging";

let printed = "";
const isTTY = process.stderr.isTTY;
beforeEach(() => {
  printed = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((printed += String(text)), true));
});
afterEach(() => {
  jest.restoreAllMocks();
  process.stderr.isTTY = isTTY;
  configureLogging();
});

test("a line on standard error: time, level in eight columns, message", () => {
  process.stderr.isTTY = false;
  jest.useFakeTimers({ now: new Date(2026, 0, 2, 3, 4, 5, 6) });
  log.info("fetched");
  log.warning("slow");
  jest.useRealTimers();
  expect(printed).toBe("02-01-2026 03:04:05.006 | INFO     | fetched\n02-01-2026 03:04:05.006 | WARNING  | slow\n");
});

test("what is asked and answered is said with debug only", () => {
  log.debug("GET /");
  expect(printed).toBe("");
  configureLogging({ debug: true });
  log.debug("GET /");
  expect(printed).toContain("GET /\n");
});

test("colours on a terminal only", () => {
  process.stderr.isTTY = true;
  log.error("broken");
  expect(printed).toContain("\u001b[31mERROR   \u001b[0m | broken\n");
});
