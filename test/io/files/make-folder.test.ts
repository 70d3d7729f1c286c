import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { makeFolder } from "../../../lib/io/files/make-folder";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();

test("with its parents; one that is there stays, also by a link", () => {
  makeFolder(folder.at("a/b/c"));
  makeFolder(folder.at("a/b/c"));
  symlinkSync(folder.at("a"), folder.at("link"));
  makeFolder(folder.at("link/d"));
  expect(existsSync(folder.at("a/d"))).toBe(true);
});

test.each(["file", "file/below"])("%s where a file is", (path) => {
  writeFileSync(folder.at("file"), "");
  expect(() => makeFolder(folder.at(path))).toThrow(/EEXIST|ENOTDIR/);
});

test("a link that leads nowhere", () => {
  mkdirSync(folder.at("d"));
  symlinkSync(folder.at("gone"), folder.at("d/link"));
  expect(() => makeFolder(folder.at("d/link/x"))).toThrow(/EEXIST|ENOENT/);
});

// where mkdir says that the parent is missing although it is there
(process.platform === "linux" ? test : test.skip)("a system that refuses the name", () => {
  expect(() => makeFolder("/proc/no-such-folder/x")).toThrow("ENOENT");
});
