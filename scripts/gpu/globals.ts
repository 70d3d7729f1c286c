/**
 * The globals that test files use, without Jest: what a machine needs that has neither node_modules nor a network. Files are read one
 * after the other ({@link file}), then {@link run} runs their tests and prints those that fail.
 */
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

const suite = (name: string): Suite => ({
  name,
  entries: [],
  hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] },
});
const files: Suite[] = [];
let current = suite("");
const counts = { passed: 0, failed: 0, skipped: 0 };

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
const skip = (): void => void counts.skipped++;

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

const skipped = Object.assign(skip, { each: () => skip });
Object.assign(globalThis, {
  expect,
  describe: Object.assign(describe, { each: each(describe), skip: skipped }),
  it: Object.assign(test, { each: each(test), skip: skipped }),
  test: Object.assign(test, { each: each(test), skip: skipped }),
  ...Object.fromEntries(
    (["beforeAll", "afterAll", "beforeEach", "afterEach"] as const).map((hook) => [
      hook,
      (body: Body) => current.hooks[hook].push(body),
    ]),
  ),
});

/** What is registered from now on belongs to this file. */
export function file(name: string): void {
  current = suite(name);
  files.push(current);
}

const noArguments: readonly never[] = [];
async function runHooks(hooks: readonly Body[]): Promise<void> {
  for (const hook of hooks) await hook(...noArguments);
}

function failed(path: readonly string[], error: unknown): void {
  counts.failed++;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.log(`FAILED  ${path.join(" › ")}\n    ${text.split("\n").slice(0, 8).join("\n    ")}`);
}

async function runSuite(at: Suite, outer: readonly Suite[], path: readonly string[]): Promise<void> {
  const around = [...outer, at];
  try {
    await runHooks(at.hooks.beforeAll);
    for (const entry of at.entries) {
      const name = [...path, entry.name];
      if ("entries" in entry) {
        await runSuite(entry, around, name);
        continue;
      }
      try {
        for (const { hooks } of around) await runHooks(hooks.beforeEach);
        await entry.body(...noArguments);
        for (const { hooks } of around.toReversed()) await runHooks(hooks.afterEach);
        counts.passed++;
      } catch (error) {
        failed(name, error);
      }
    }
    await runHooks(at.hooks.afterAll);
  } catch (error) {
    failed([...path, "a hook"], error);
  }
}

/** Runs what was registered, file by file, and prints one line of counts a file. */
export async function run(): Promise<void> {
  for (const at of files) {
    const [start, before] = [performance.now(), { ...counts }];
    await runSuite(at, [], [at.name]);
    const seconds = ((performance.now() - start) / 1e3).toFixed(1);
    console.log(
      `${at.name}: ${counts.passed - before.passed} passed, ${counts.failed - before.failed} failed (${seconds} s)`,
    );
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
}
