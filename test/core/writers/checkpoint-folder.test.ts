import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { load, save } from "../../../lib/torch";
import { ownMark } from "../../../lib/io/files/process-mark";
import { CheckpointFolder } from "../../../lib/core/writers";
import { temporaryFolder } from "../../support/small-run";

let root: ReturnType<typeof temporaryFolder>;
let path: string;
let folder: CheckpointFolder;
beforeEach(() => {
  root = temporaryFolder();
  path = join(root.path, "checkpoints");
  folder = new CheckpointFolder(path);
});
afterEach(() => {
  jest.restoreAllMocks();
  root.remove();
});
const visible = (): string[] => readdirSync(path).filter((name) => !name.startsWith("."));
/** A step as a process leaves it that dies right after it was committed. */
function committed(number: number, files: Record<string, number>): string {
  const name = `.commit-${String(number).padStart(6, "0")}-00000000-1-1-00000000`;
  mkdirSync(join(path, name), { recursive: true });
  for (const [file, value] of Object.entries(files)) save({ value }, join(path, name, file));
  return name;
}
const read = (name: string): number => load<{ value: number }>(folder.fileOf(name)).value;

describe("a step", () => {
  test("shows nothing before it is committed, then everything, and leaves nothing else", () => {
    const step = folder.begin();
    step.write("a.th", { value: 1 });
    step.write("b.th", { value: 2 });
    expect([visible(), folder.names()]).toEqual([[], []]);
    step.commit();
    expect(readdirSync(path)).toEqual(["a.th", "b.th"]);
    expect([read("a.th"), read("b.th")]).toEqual([1, 2]);
  });

  test("that is dropped leaves what was there", () => {
    const first = folder.begin();
    first.write("a.th", { value: 1 });
    first.commit();
    const second = folder.begin();
    second.write("a.th", { value: 2 });
    second.drop();
    expect([readdirSync(path), read("a.th")]).toEqual([["a.th"], 1]);
  });

  test("of which a file cannot be written is dropped as a whole", () => {
    const step = folder.begin();
    step.write("a.th", { value: 1 });
    expect(() => step.write("b.th", { value: Symbol("x") })).toThrow(
      /cannot write checkpoint file '.*b\.th'.*unchanged/,
    );
    step.commit();
    expect(readdirSync(path)).toEqual([]);
  });

  test("without files makes no folder", () => {
    folder.begin().commit();
    expect(existsSync(path)).toBe(false);
  });

  test("takes no name that leads to another folder", () => {
    for (const name of ["../a.th", "a/b.th", "a\0.th"]) {
      expect(() => folder.begin().write(name, {})).toThrow('without "/"');
      expect(() => folder.fileOf(name)).toThrow('without "/"');
    }
    expect(existsSync(path)).toBe(false);
  });

  test("ends what other steps began, and removes what they left", () => {
    committed(1, { "a.th": 1, "b.th": 1 });
    committed(2, { "a.th": 2 });
    mkdirSync(join(path, `.pending-${ownMark.replace(/\d+$/, "1")}-00000000`));
    writeFileSync(join(path, "a.th.tmp-999999999"), "");
    const step = folder.begin();
    step.write("c.th", { value: 3 });
    step.commit();
    expect(readdirSync(path)).toEqual(["a.th", "b.th", "c.th"]);
    expect([read("a.th"), read("b.th"), read("c.th")]).toEqual([2, 1, 3]);
  });

  test("of another process that is being written stays", () => {
    const mine = folder.begin();
    mine.write("a.th", { value: 1 });
    const other = new CheckpointFolder(path).begin();
    other.write("b.th", { value: 2 });
    other.commit();
    mine.commit();
    expect(readdirSync(path)).toEqual(["a.th", "b.th"]);
  });

  test("whose files cannot be moved says where they are, and they are read there", () => {
    mkdirSync(join(path, "a.th"), { recursive: true });
    const step = folder.begin();
    step.write("a.th", { value: 1 });
    expect(() => step.commit()).toThrow(
      /the checkpoint is complete, but its files cannot be moved from '.*\.commit-000001-/,
    );
    expect(read("a.th")).toBe(1);
  });
});

describe("what a process left that died in the middle of a step", () => {
  test("is put in place by whoever looks", () => {
    committed(1, { "a.th": 1 });
    expect(folder.names()).toEqual(["a.th"]);
    expect(readdirSync(path)).toEqual(["a.th"]);
  });

  test("is put in place from the middle on", () => {
    const name = committed(1, { "a.th": 1, "b.th": 1 });
    renameSync(join(path, name, "a.th"), join(path, "a.th"));
    expect([read("a.th"), read("b.th")]).toEqual([1, 1]);
    expect(readdirSync(path)).toEqual(["a.th", "b.th"]);
  });

  test("in the order of the steps, of which there may be many", () => {
    for (const number of [2, 10, 9]) committed(number, { "a.th": number });
    expect(read("a.th")).toBe(10);
    expect(readdirSync(path)).toEqual(["a.th"]);
  });

  test("is read where it is, when the folder cannot be written", () => {
    committed(1, { "a.th": 1, "b.th": 1 });
    committed(2, { "a.th": 2 });
    // permissions do not stop the administrator, so the moves fail by themselves
    jest.spyOn(CheckpointFolder.prototype, "moveCommitted").mockImplementation(() => {
      throw Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
    });
    expect([read("a.th"), read("b.th")]).toEqual([2, 1]);
    expect(folder.names()).toEqual(["a.th", "b.th"]);
    expect(visible()).toEqual([]);
  });

  test("does not count before it was committed", () => {
    mkdirSync(join(path, ".pending-00000000-1-1-00000000"), { recursive: true });
    save({ value: 1 }, join(path, ".pending-00000000-1-1-00000000", "a.th"));
    expect(folder.names()).toEqual([]);
    expect(existsSync(folder.fileOf("a.th"))).toBe(false);
  });
});

test("looking into a folder that does not exist creates nothing", () => {
  expect([folder.names(), folder.fileOf("a.th")]).toEqual([[], join(path, "a.th")]);
  expect(existsSync(path)).toBe(false);
});
