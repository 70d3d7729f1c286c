import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const source = join(__dirname, "..", "..", "native");
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-cmake-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function configure(libtorch: string) {
  return spawnSync("cmake", ["-S", source, "-B", join(folder, "build"), `-DLIBTORCH=${libtorch}`], {
    encoding: "utf8",
  });
}

function libtorchHeaders(minor: number): string {
  const libtorch = join(folder, "libtorch");
  mkdirSync(join(libtorch, "include", "ATen"), { recursive: true });
  mkdirSync(join(libtorch, "include", "torch", "headeronly"), { recursive: true });
  writeFileSync(join(libtorch, "include", "ATen", "ATen.h"), "");
  const version = `#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH 1\n`;
  writeFileSync(join(libtorch, "include", "torch", "headeronly", "version.h"), version);
  return libtorch;
}

test("a folder without libtorch stops the build with the command that finds one", () => {
  const { status, stderr } = configure("/nowhere");
  expect(status).not.toBe(0);
  expect(stderr).toContain("Expected a libtorch folder");
  expect(stderr).toContain("scripts/fetch-libtorch.sh");
});

test.each([10, 15])("libtorch 2.%i stops the build with the range and the version that came", (minor) => {
  const { status, stderr } = configure(libtorchHeaders(minor));
  expect(status).not.toBe(0);
  expect(stderr.replace(/\s+/g, " ")).toContain(`Expected libtorch 2.11 to 2.14, got version 2.${minor}.1`);
});

test.each([11, 14])("libtorch 2.%i is accepted", (minor) => {
  expect(configure(libtorchHeaders(minor)).stdout).toContain(`libtorch 2.${minor}.1 in`);
});
