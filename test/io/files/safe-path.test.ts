import { mkdirSync, symlinkSync } from "node:fs";
import { pathBelow, relativePath } from "../../../lib/io/files/safe-path";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();

test.each([
  ["a/b.bin", "a/b.bin"],
  ["a//b/./c", "a/b/c"],
  ["./a", "a"],
  ["..a/b..", "..a/b.."],
  ["épo 1.pt", "épo 1.pt"],
])("%s is %s", (name, path) => expect(relativePath(name)).toBe(path));

test.each([
  "", ".", "./", "/", "/etc/passwd", "//etc/passwd", "..", "../x", "a/../../x", "a/..", "a/", "C:/x", "C:\\x", "\\\\host\\x",
  "a\\..\\..\\x", "a\u0000b", "a\nb", "a/./", "./.",
])("%j is refused", (name) => expect(() => relativePath(name)).toThrow("Illegal relative path")); // prettier-ignore

test("a symbolic link may not lead out of the folder", () => {
  mkdirSync(folder.at("root", "in"), { recursive: true });
  mkdirSync(folder.at("elsewhere"));
  symlinkSync(folder.at("elsewhere"), folder.at("root", "out"));
  symlinkSync(folder.at("root", "in"), folder.at("root", "also-in"));
  symlinkSync(folder.at("nowhere"), folder.at("root", "broken"));
  expect(pathBelow(folder.at("root"), "also-in/x")).toBe(folder.at("root", "also-in", "x"));
  expect(() => pathBelow(folder.at("root"), "out/x")).toThrow("symbolic link");
  expect(() => pathBelow(folder.at("root"), "out/deep/er/x")).toThrow("symbolic link");
  expect(() => pathBelow(folder.at("root"), "broken/x")).toThrow("symbolic link");
});
