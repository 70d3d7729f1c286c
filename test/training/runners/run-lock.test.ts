import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { RunInUseError, RunLock } from "../../../lib/training/runners";
import { ownMark } from "../../../lib/io/files/process-mark";
import { temporaryFolder } from "../../support/small-run";
import { builtPackage } from "../../support/child";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
const held: RunLock[] = [];
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, ".lock");
});
afterEach(() => {
  for (const lock of held.splice(0)) lock.release();
  folder.remove();
});
const take = (): RunLock => {
  const lock = new RunLock(folder.path);
  held.push(lock);
  return lock;
};
const [machine, , start] = ownMark.split("-");
/** A lock that another process left. */
const leave = (mark: string, name = ".lock"): void =>
  writeFileSync(join(folder.path, name), `${JSON.stringify({ mark, host: "node7", pid: 7, since: "yesterday" })}\n`);
const dead = `${machine}-${spawnSync(process.execPath, ["-e", ""]).pid}-${start}`;
const elsewhere = `00000000-7-${start}`;

test("one at a time, and says who has it", () => {
  const lock = take();
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ mark: ownMark, pid: process.pid });
  expect(take).toThrow(RunInUseError);
  expect(take).toThrow(new RegExp(`in use by process ${process.pid} on .*remove .*\\.lock`));
  lock.release();
  take();
});

test("leaves nothing behind", () => {
  take().release();
  expect(readdirSync(folder.path)).toEqual([]);
});

test("of a process that died is taken over", () => {
  leave(dead);
  take();
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ mark: ownMark });
  expect(readdirSync(folder.path)).toEqual([".lock"]);
});

test("of a process that died while it took over is taken over", () => {
  leave(dead);
  leave(`${machine}-999999999-1`, `.lock.after-${dead}`);
  take();
  expect(readdirSync(folder.path)).toEqual([".lock"]);
});

test("that another process is taking over is its own", () => {
  leave(dead);
  leave(ownMark, `.lock.after-${dead}`);
  expect(take).toThrow("in use by process 7 on node7");
});

test("of another machine counts until its owner has not shown itself for a quarter of an hour", () => {
  leave(elsewhere);
  expect(take).toThrow("in use by process 7 on node7 since yesterday");
  const minutesAgo = (minutes: number): number => Date.now() / 1000 - 60 * minutes;
  utimesSync(path, minutesAgo(14), minutesAgo(14));
  expect(take).toThrow(RunInUseError);
  utimesSync(path, minutesAgo(16), minutesAgo(16));
  take();
});

test("is not given back for somebody else who took it over", () => {
  const lock = take();
  leave(elsewhere, "other");
  spawnSync("mv", [join(folder.path, "other"), path]);
  lock.release();
  expect(existsSync(path)).toBe(true);
});

test("a file that is no lock is named", () => {
  writeFileSync(path, "?");
  expect(take).toThrow(/cannot read '.*\.lock'.*remove it/);
});

test("of several processes that want it at once, one gets it, also that of a dead one", () => {
  leave(dead);
  const script = join(__dirname, "../fixtures/take-lock.ts");
  const command = `for i in 1 2 3 4; do "${process.execPath}" --require "${builtPackage}" "${script}" "${folder.path}" & done; wait`;
  const { stdout } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
  const lines = stdout.trim().split("\n");
  expect(lines.filter((line) => line === "taken")).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith("RunInUseError"))).toHaveLength(3);
});
