import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(__dirname, "..", "..");
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-setup-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** A package as a client installs it (or a clone, with `lib/`), whose compiler only writes the files that a real one leaves behind. */
function makePackage({ clone }: { clone: boolean }): void {
  cpSync(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
  write("package.json", JSON.stringify({ name: "noether-ts", version: "0.0.0" }));
  write("native/src/addon.cpp", "");
  write("native/CMakeLists.txt", "");
  write("native/package.json", "{}");
  write("node_modules/node-addon-api/package.json", JSON.stringify({ version: "8.0.0" }));
  write("node_modules/cmake-js/package.json", JSON.stringify({ version: "8.0.0" }));
  write(
    "node_modules/cmake-js/bin/cmake-js",
    `const { mkdirSync, writeFileSync } = require("node:fs");
     mkdirSync("native/build/CMakeFiles/noether_native.dir", { recursive: true });
     mkdirSync("native/build/Release", { recursive: true });
     writeFileSync("native/build/CMakeFiles/noether_native.dir/cmake_pch.hxx.gch", "large");
     writeFileSync("native/build/Makefile", "");
     writeFileSync("native/build/Release/noether_native.node", "addon");
     writeFileSync("native/build/Release/left-over", "");
     if (process.env.BREAK && process.argv[2] === "build") process.exit(1);`,
  );
  const lines = ["MAJOR 2", "MINOR 13", "PATCH 0"].map((part) => `#define TORCH_VERSION_${part}\n`);
  write("libtorch/include/torch/headeronly/version.h", lines.join(""));
  write("libtorch/include/ATen/ATen.h", "");
  write("libtorch/lib/libtorch_cpu.so", "");
  write("libtorch/lib/libc10.so", "");
  write("native/build/build-record.json", JSON.stringify({ libtorch: join(folder, "libtorch"), variant: "cpu" }));
  if (clone) mkdirSync(join(folder, "lib"));
}

function setup(env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [join(folder, "scripts", "setup.mjs"), "--native"], {
    encoding: "utf8",
    env: { ...process.env, LIBTORCH: join(folder, "libtorch"), NOETHER_NATIVE: "", ...env },
  });
}

const filesIn = (path: string) => readdirSync(join(folder, path)).sort();

test("an installed package keeps the addon and its record of a build, and does not build again", () => {
  makePackage({ clone: false });
  expect(setup()).toMatchObject({ status: 0 });
  expect(filesIn("native/build")).toEqual(["Release", "build-record.json"]);
  expect(filesIn("native/build/Release")).toEqual(["noether_native.node"]);
  expect(setup().stdout).toContain("addon: up to date");
});

test("a build that fails keeps what it has, so that the next one goes on from there, and names the command", () => {
  makePackage({ clone: false });
  const { status, stderr } = setup({ BREAK: "1" });
  expect(status).toBe(1);
  expect(stderr).toContain("npx noether-ts setup");
  expect(existsSync(join(folder, "native/build/CMakeFiles/noether_native.dir/cmake_pch.hxx.gch"))).toBe(true);
  expect(JSON.parse(readFileSync(join(folder, "native/build/build-record.json"), "utf8")).inputs).toBeUndefined();
});

test("a clone keeps the intermediates, which make its next build quick", () => {
  makePackage({ clone: true });
  expect(setup()).toMatchObject({ status: 0 });
  expect(existsSync(join(folder, "native/build/CMakeFiles/noether_native.dir/cmake_pch.hxx.gch"))).toBe(true);
});
