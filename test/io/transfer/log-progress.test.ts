import { configureLogging, LogProgress } from "../../../lib/io";
import { TestClock } from "../../support/test-clock";

const MIB = 2 ** 20;
let lines: string[] = [];
beforeEach(() => {
  lines = [];
  configureLogging({ sink: (_, message) => lines.push(message) });
});
afterAll(() => configureLogging());
const progress = (total: number | null, clock = new TestClock()): LogProgress =>
  new LogProgress("x", total, { clock, terminal: null });

test("a line each 20 percent below 100 MiB", () => {
  const p = progress(10 * MIB);
  for (let i = 0; i < 10; i++) p.update(MIB);
  p.close();
  expect(lines.map((line) => line.split(" (")[0])).toEqual(["[x] 20%", "[x] 40%", "[x] 60%", "[x] 80%", "[x] 100%"]);
  expect(lines[0]).toBe("[x] 20% (2.00 MB/10.00 MB)");
});

test("a line each 10 percent from 100 MiB on, one for a step over several", () => {
  const p = progress(100 * MIB);
  p.update(35 * MIB);
  p.update(66 * MIB);
  expect(lines.map((line) => line.split(" (")[0])).toEqual(["[x] 30%", "[x] 100%"]);
});

test("rate and remaining time, of what came and not of what was there", () => {
  const clock = new TestClock();
  const p = progress(200 * MIB, clock);
  p.resume(20 * MIB);
  clock.time = 2000;
  p.update(20 * MIB);
  expect(lines.at(-1)).toBe("[x] 20% (40.00 MB/200.00 MB), 10.00 MB/s, 16 s left");
  clock.time = 20_000;
  p.update(20 * MIB);
  expect(lines.at(-1)).toBe("[x] 30% (60.00 MB/200.00 MB), 2.00 MB/s, 1 min 10 s left");
});

test("a line each 32 MiB where the total is not known", () => {
  const p = progress(null);
  p.update(31 * MIB);
  p.update(MIB);
  p.close();
  expect(lines).toEqual(["[x] downloaded 32.00 MB", "[x] done (32.00 MB)"]);
});

test("a transfer that failed is not done", () => {
  const p = progress(10 * MIB);
  p.update(MIB);
  p.close(true);
  expect(lines).toEqual(["[x] failed after 1.00 MB/10.00 MB"]);
});

test("one line that is written over on a terminal", () => {
  const written: string[] = [];
  const clock = new TestClock();
  const p = new LogProgress("x", 10 * MIB, { clock, terminal: { write: (text) => written.push(text) } });
  p.update(MIB);
  p.update(MIB); // at the same time: not drawn again
  clock.time = 1000;
  p.update(MIB);
  p.close();
  expect(written.map((text) => text.replace("\u001b[K", ""))).toEqual([
    "\r[x] 10% (1.00 MB/10.00 MB)",
    "\r[x] 30% (3.00 MB/10.00 MB), 3.00 MB/s, 3 s left",
    "\r[x] 30% (3.00 MB/10.00 MB), 3.00 MB/s, 3 s left",
    "\n",
  ]);
});

test("a line that would wrap on a narrow terminal is cut", () => {
  const written: string[] = [];
  const p = new LogProgress("a long name", 10 * MIB, {
    clock: new TestClock(),
    terminal: { columns: 20, write: (text) => written.push(text) },
  });
  p.update(MIB);
  expect(written.map((text) => text.replace("\r\u001b[K", ""))).toEqual(["[a long name] 10% ("]);
});
