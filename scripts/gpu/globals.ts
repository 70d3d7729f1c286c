/**
 * The globals that test files use, without Jest: what a machine needs that has neither node_modules nor a network.
 *
 * Each file runs in a process of its own, a few at once. A test that takes the process along, hangs, or leaves the device in an error
 * fails alone: the tests after it run in a new process.
 */
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { expect } from "expect";

type Body = (...args: never[]) => unknown;
type Each = (table: readonly unknown[]) => (name: string, body: Body) => void;
interface Test {
  readonly name: string;
  readonly body: Body;
}
interface Suite {
  readonly name: string;
  readonly entries: (Test | Suite)[];
  readonly hooks: Record<Hook, Body[]>;
}
type Hook = "beforeAll" | "afterAll" | "beforeEach" | "afterEach";

/** What the process of a file tells the one that started it, a line each. */
type Message =
  | { readonly kind: "begin"; readonly test: number; readonly name: string }
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly name: string; readonly error: string }
  | { readonly kind: "skipped"; readonly tests: number };

const suite = (name: string): Suite => ({
  name,
  entries: [],
  hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] },
});
let current = suite("");
let skipped = 0;

function describe(name: string, body: () => void): void {
  const [outer, inner] = [current, suite(name)];
  outer.entries.push(inner);
  current = inner;
  try {
    body();
  } finally {
    current = outer;
  }
}
const test = (name: string, body: Body): void => void current.entries.push({ name, body });
const skip = (): void => void skipped++;

/** `%s` and its like in order, `$key` of a row that is an object: as much of Jest's names as tells tests apart. */
function nameOf(template: string, row: readonly unknown[]): string {
  let next = 0;
  return template
    .replace(/%[sdifjop]/g, () => String(row[next++]))
    .replace(/\$(\w+)/g, (all, key: string) => String((row[0] as Record<string, unknown> | undefined)?.[key] ?? all));
}
const each =
  (add: (name: string, body: Body) => void): Each =>
  (table) =>
  (name, body) => {
    for (const entry of table) {
      const row = Array.isArray(entry) ? (entry as unknown[]) : [entry];
      add(nameOf(name, row), () => body(...(row as never[])));
    }
  };

const left = Object.assign(skip, { each: () => skip });
Object.assign(globalThis, {
  expect,
  describe: Object.assign(describe, { each: each(describe), skip: left }),
  it: Object.assign(test, { each: each(test), skip: left }),
  test: Object.assign(test, { each: each(test), skip: left }),
  ...Object.fromEntries(
    (["beforeAll", "afterAll", "beforeEach", "afterEach"] as const).map((hook) => [
      hook,
      (body: Body) => current.hooks[hook].push(body),
    ]),
  ),
});

const files = new Map<string, () => void>();

/** A file of tests, and what reads it. */
export function file(name: string, read: () => void): void {
  files.set(name, read);
}

/** Runs all files, or as a process of one the tests of that file. */
export async function run(): Promise<void> {
  const [name, first] = process.argv.slice(2);
  if (name === undefined) await runFiles();
  else await runFile(name, Number(first));
}

// ---- the process of a file

/** Written at once, so that it is told even if the process ends at the next call. */
const tell = (message: Message): void => void writeSync(3, `${JSON.stringify(message)}\n`);

/** Errors of CUDA after which every call of the process fails. */
const LASTING =
  /illegal memory access|misaligned address|illegal instruction|unspecified launch failure|device-side assert|ECC error|invalid program counter|hardware stack error/i;

async function runFile(name: string, first: number): Promise<void> {
  files.get(name)!();
  if (first === 0) tell({ kind: "skipped", tests: skipped });
  await runSuite(current, [], [name], { first, next: 0 });
  process.exit(0); // what a test has left running is not waited for
}

const noArguments: readonly never[] = [];
async function runHooks(hooks: readonly Body[]): Promise<void> {
  for (const hook of hooks) await hook(...noArguments);
}

function fail(path: readonly string[], error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  tell({ kind: "failed", name: path.join(" › "), error: text.split("\n").slice(0, 8).join("\n") });
  if (LASTING.test(text)) process.exit(1);
}

/** `counter`: the number of the next test, and of the first that is to be run. */
async function runSuite(
  at: Suite,
  outer: readonly Suite[],
  path: readonly string[],
  counter: { readonly first: number; next: number },
): Promise<void> {
  const around = [...outer, at];
  try {
    await runHooks(at.hooks.beforeAll);
    for (const entry of at.entries) {
      const name = [...path, entry.name];
      if ("entries" in entry) {
        await runSuite(entry, around, name, counter);
        continue;
      }
      const number = counter.next++;
      if (number < counter.first) continue;
      tell({ kind: "begin", test: number, name: name.join(" › ") });
      try {
        for (const { hooks } of around) await runHooks(hooks.beforeEach);
        await entry.body(...noArguments);
        for (const { hooks } of around.toReversed()) await runHooks(hooks.afterEach);
        tell({ kind: "passed" });
      } catch (error) {
        fail(name, error);
      }
    }
    await runHooks(at.hooks.afterAll);
  } catch (error) {
    fail([...path, "a hook"], error);
  }
}

// ---- the process that runs all files

/** How long a test may take. */
const TEST_SECONDS = 100;
const AT_ONCE = Math.min(4, availableParallelism());

async function runFiles(): Promise<void> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const waiting = [...files.keys()];
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const counts = await watchFile(name);
      for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
}

/** Runs a file in a process, and in another one after a test that has ended it; prints failures, and a line of counts. */
async function watchFile(name: string) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const start = performance.now();
  const failed = (test: string, error: string) => {
    counts.failed++;
    console.log(`FAILED  ${test}\n    ${error.replaceAll("\n", "\n    ")}`);
  };
  for (let first = 0, goOn = true; goOn;) {
    const threads = String(Math.max(1, Math.floor(availableParallelism() / AT_ONCE)));
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, name, String(first)], {
      stdio: ["ignore", "inherit", "inherit", "pipe"],
      env: { OMP_NUM_THREADS: threads, ...process.env },
    });
    const ended = new Promise<string>((resolve) =>
      child.on("close", (code, signal) =>
        resolve(code === 0 ? "" : `the process ended with ${signal ?? `code ${code}`}`),
      ),
    );
    let running: { readonly name: string; readonly test: number } | undefined;
    let last = first - 1;
    let clock: NodeJS.Timeout | undefined;
    for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
      const message = JSON.parse(line) as Message;
      clearTimeout(clock);
      if (message.kind === "begin") {
        running = message;
        last = message.test;
        clock = setTimeout(() => child.kill("SIGKILL"), TEST_SECONDS * 1e3);
      } else running = undefined;
      if (message.kind === "passed") counts.passed++;
      if (message.kind === "skipped") counts.skipped += message.tests;
      if (message.kind === "failed") failed(message.name, message.error);
    }
    clearTimeout(clock);
    const problem = await ended;
    if (running) failed(running.name, `${problem} (a test may take ${TEST_SECONDS} s)`);
    else if (problem && last < first) failed(name, problem); // before its first test
    goOn = problem !== "" && last >= first;
    first = last + 1;
  }
  const seconds = ((performance.now() - start) / 1e3).toFixed(1);
  console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed (${seconds} s)`);
  return counts;
}
