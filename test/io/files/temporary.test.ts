import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { save, saveSafetensors, ones } from "../../../lib/torch";
import { ownMark, stateOf } from "../../../lib/io/files/process-mark";
import { removeDeadTemporaries, temporaryPath } from "../../../lib/io/files/temporary";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-"))));
afterEach(() => rmSync(folder, { recursive: true }));
const put = (name: string): string => {
  writeFileSync(join(folder, name), "half a file");
  return join(folder, name);
};
const [machine, pid, start] = ownMark.split("-");
/** A process that has ended. */
const dead = spawnSync(process.execPath, ["-e", ""]).pid;

describe("a process by its mark", () => {
  test("runs", () => expect(stateOf(ownMark)).toBe("running"));
  test("has ended", () => expect(stateOf(`${machine}-${dead}-${start}`)).toBe("gone"));
  test("had this number before another one got it", () =>
    expect(stateOf(`${machine}-${pid}-${Number(start) - 1}`)).toBe("gone"));
  test("is on another machine", () => expect(stateOf(`00000000-${pid}-${start}`)).toBe("elsewhere"));
});

describe("temporary files", () => {
  test("of a long name have a name that file systems take, in the same folder", () => {
    const path = temporaryPath(join(folder, `${"ä".repeat(120)}.th`));
    writeFileSync(path, "");
    expect(readdirSync(folder)).toEqual([basename(path)]);
  });

  test("of processes that died are removed, in every form that was ever written", () => {
    put(`.model.th.${machine}-${dead}-${start}.0123456789ab.tmp`);
    put(".model.th.0123456789ab.tmp");
    put(`model.th.tmp-${dead}`);
    removeDeadTemporaries(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that somebody is writing stay", () => {
    const own = put(basename(temporaryPath(join(folder, "model.th"))));
    const numbered = put(`model.th.tmp-${process.ppid}`);
    const open = put(".model.th.0123456789ab.tmp");
    const descriptor = openSync(open, "a");
    removeDeadTemporaries(folder);
    expect([own, numbered, open].filter((path) => !existsSync(path))).toEqual([]);
    closeSync(descriptor);
  });

  test("of another machine stay until nobody has touched them for a day", () => {
    const path = put(`.model.th.00000000-${pid}-${start}.0123456789ab.tmp`);
    removeDeadTemporaries(folder);
    expect(existsSync(path)).toBe(true);
    const longAgo = Date.now() / 1000 - 25 * 3600;
    utimesSync(path, longAgo, longAgo);
    removeDeadTemporaries(folder);
    expect(existsSync(path)).toBe(false);
  });

  test("are told from other files", () => {
    const names = [".hidden.tmp", "notes.tmp", "a.tmp-x", "model.th", ".model.th.0123456789ab.tmp.th"];
    names.forEach(put);
    removeDeadTemporaries(folder);
    expect(readdirSync(folder).sort()).toEqual([...names].sort());
  });

  test("are removed by the next save in their folder", () => {
    put(".other.th.0123456789ab.tmp");
    save({ a: 1 }, join(folder, "model.th"));
    expect(readdirSync(folder)).toEqual(["model.th"]);
    put(`other.tmp-${dead}`);
    saveSafetensors({ a: ones([1]) }, join(folder, "model.safetensors"));
    expect(readdirSync(folder)).toEqual(["model.safetensors", "model.th"]);
  });
});
