import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

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

function setup(env: Record<string, string> = {}, ...args: string[]) {
  return spawnSync(process.execPath, [join(folder, "scripts", "setup.mjs"), "--native", ...args], {
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

/** Adds the prebuilt package of Linux x64, and the half of doctor that loads an addon, with a report of its own. */
function addPrebuilt(report: unknown = { attempts: [{ source: "prebuilt" }], versions: {} }): void {
  const prebuilt = "node_modules/@noether-ts/linux-x64-gnu";
  write(`${prebuilt}/package.json`, JSON.stringify({ name: "@noether-ts/linux-x64-gnu", version: "0.0.0" }));
  write(`${prebuilt}/libtorch-2.13/noether_native.node`, "");
  write("dist/cli/doctor-probe.js", `console.log(${JSON.stringify(JSON.stringify(report))})`);
}
const onLinuxX64 = process.platform === "linux" && process.arch === "x64" ? test : test.skip;
const record = () => JSON.parse(readFileSync(join(folder, "native/build/build-record.json"), "utf8"));

onLinuxX64("with the prebuilt package nothing is compiled, and what was compiled earlier gives way", () => {
  makePackage({ clone: false });
  addPrebuilt();
  write("native/build/Release/noether_native.node", "of an earlier set-up");
  const { status, stdout } = setup({ PATH: "/nowhere" });
  expect({ status, said: stdout.split("\n").at(-2) }).toEqual({
    status: 0,
    said: "setup: addon: prebuilt for libtorch 2.13, loads",
  });
  expect(filesIn("native/build/Release")).toEqual([]);
  expect(record()).toEqual({ libtorch: join(folder, "libtorch"), version: "2.13.0", variant: "cpu" });
});

onLinuxX64("a prebuilt addon that does not load is an error with its reason", () => {
  makePackage({ clone: false });
  addPrebuilt({ attempts: [{ source: "prebuilt", error: "libc10.so is broken" }] });
  const { status, stderr } = setup();
  expect(status).toBe(1);
  expect(stderr).toContain("libc10.so is broken");
});

onLinuxX64("a variant with CUDA that cannot be used is set up, and the reason is said", () => {
  makePackage({ clone: false });
  addPrebuilt({ attempts: [{ source: "prebuilt" }], versions: {}, noCuda: "there is no NVIDIA driver" });
  for (const library of ["libc10_cuda", "libtorch_cuda"]) write(`libtorch/lib/${library}.so`, "");
  const { status, stdout } = setup({ NOETHER_VARIANT: "cu130" });
  expect(status).toBe(0);
  expect(stdout).toContain("CUDA cannot be used: there is no NVIDIA driver");
  expect(record().variant).toBe("cu130");
});

onLinuxX64("--compile compiles all the same, and so does a libtorch that the package has no addon for", () => {
  makePackage({ clone: false });
  addPrebuilt();
  expect(setup({}, "--compile")).toMatchObject({ status: 0 });
  expect(filesIn("native/build/Release")).toEqual(["noether_native.node"]);
  rmSync(join(folder, "native/build"), { recursive: true });
  rmSync(join(folder, "node_modules/@noether-ts/linux-x64-gnu/libtorch-2.13"), { recursive: true });
  expect(setup()).toMatchObject({ status: 0 });
  expect(filesIn("native/build/Release")).toEqual(["noether_native.node"]);
});

test("a clone compiles its own sources, whatever package is installed", () => {
  makePackage({ clone: true });
  addPrebuilt();
  expect(setup()).toMatchObject({ status: 0 });
  expect(existsSync(join(folder, "native/build/Release/noether_native.node"))).toBe(true);
});

test("the driver's version is read from what the kernel says, and compared with what CUDA 13 needs", () => {
  const lines = [
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder@U22)",
    "something else",
  ];
  const module = pathToFileURL(join(root, "scripts", "libtorch.mjs")).href;
  const program = `import { describeDriver } from "${module}"; console.log(JSON.stringify(${JSON.stringify(lines)}.map(describeDriver)))`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(JSON.parse(stdout)).toEqual([
    { version: "535.104.05", runsCuda13: false },
    { version: "580.95.05", runsCuda13: true },
    { version: "of unknown version", runsCuda13: true },
  ]);
});
