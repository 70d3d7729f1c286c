/** An installed package with a prebuilt addon: which libtorch it takes, and what it says when there is none that fits. */
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openLibtorchFile, readSetupRecord, torchVersion } from "../../../lib/torch/libtorch-folders";
import { tryLoadNative } from "../../../lib/torch/loader";
import { packageVersion, platformName } from "../../../lib/torch/package-root";

const root = join(__dirname, "..", "..", "..");
const attempt = tryLoadNative().attempts.at(-1)!;
const libtorch = readSetupRecord()?.libtorch ?? dirname(dirname(openLibtorchFile()!));
const minor = torchVersion(libtorch)!.split(".").slice(0, 2).join(".");
let folder: string;
let installed: string;
let prebuilt: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "noether-prebuilt-"));
  installed = install("installed");
  prebuilt = join(installed, "node_modules", "@noether-ts", platformName());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The package as it is installed, with the addon of this clone as the prebuilt one. */
function install(name: string): string {
  const place = join(folder, name);
  const package_ = join(place, "node_modules", "@noether-ts", platformName());
  mkdirSync(join(package_, `libtorch-${minor}`), { recursive: true });
  cpSync(join(root, "dist"), join(place, "dist"), { recursive: true });
  copyFileSync(join(root, "package.json"), join(place, "package.json"));
  copyFileSync(attempt.path!, join(package_, `libtorch-${minor}`, "noether_native.node"));
  setVersion(package_, packageVersion());
  const headers = join(dirname(createRequire(join(root, "package.json")).resolve("node-api-headers")), "include");
  const source = join(root, "native", "prebuilt", "open_library.c");
  compile(["-I", headers, "-o", join(package_, "open_library.node"), source]);
  return place;
}

function setVersion(package_: string, version: string): void {
  writeFileSync(join(package_, "package.json"), JSON.stringify({ name: `@noether-ts/${platformName()}`, version }));
}

function compile(args: string[]): void {
  const { status, stderr } = spawnSync("cc", ["-shared", "-fPIC", ...args], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

/** A folder with the files of a real libtorch, and some of one's own in `lib`. */
function viewOfLibtorch(name: string, own: Readonly<Record<string, string>>): string {
  const view = join(folder, name, "torch");
  mkdirSync(join(view, "lib"), { recursive: true });
  symlinkSync(join(libtorch, "include"), join(view, "include"));
  const nvidia = join(libtorch, "..", "nvidia");
  symlinkSync(nvidia, join(folder, name, "nvidia"));
  for (const file of readdirSync(join(libtorch, "lib"))) {
    if (!file.includes("cuda")) symlinkSync(join(libtorch, "lib", file), join(view, "lib", file));
  }
  for (const [file, text] of Object.entries(own)) writeFileSync(join(view, "lib", file), text);
  return view;
}

function headersOf(version: string): string {
  const place = join(folder, version);
  mkdirSync(join(place, "include", "torch"), { recursive: true });
  const parts = version.split(".");
  const lines = ["MAJOR", "MINOR", "PATCH"].map((part, index) => `#define TORCH_VERSION_${part} ${parts[index]}\n`);
  writeFileSync(join(place, "include", "torch", "version.h"), lines.join(""));
  return place;
}

/** Runs a program in which `load()` is what the probe of doctor finds: attempts, versions, devices. */
function probe(env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(installed, "dist", "cli", "doctor-probe.js")], {
    encoding: "utf8",
    env: environment(env),
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** Neither libtorch, Python nor cache, but for what `env` says. */
function environment(env: Record<string, string>): Record<string, string> {
  return { PATH: "/nowhere", NOETHER_CACHE: join(folder, "empty"), ...env };
}

function python(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${lines.join("\n")}\n`, { mode: 0o755 });
  return path;
}

function record(variant: string, path = libtorch): void {
  mkdirSync(join(installed, "native", "build"), { recursive: true });
  const content = JSON.stringify({ libtorch: path, version: `${minor}.0`, variant });
  writeFileSync(join(installed, "native", "build", "build-record.json"), content);
}
afterEach(() => rmSync(join(installed, "native"), { recursive: true, force: true }));

test("nothing is found: each place that was tried is listed", () => {
  const { attempts } = probe();
  expect(attempts).toEqual([
    expect.objectContaining({ source: "compiled by set-up", error: "no such file" }),
    expect.objectContaining({ source: expect.stringContaining("prebuilt package"), error: "no libtorch was found" }),
  ]);
});

test("LIBTORCH is used", () => {
  const { attempts, devices, libtorchFile } = probe({ LIBTORCH: libtorch });
  expect(attempts.at(-1)).toEqual({
    source: expect.stringContaining("(LIBTORCH)"),
    path: join(prebuilt, `libtorch-${minor}`, "noether_native.node"),
  });
  expect(dirname(dirname(libtorchFile))).toBe(libtorch);
  expect(devices[0]).toEqual({ name: "cpu" });
});

test("a LIBTORCH that is none is the only one that is tried", () => {
  record("cpu");
  const { attempts } = probe({ LIBTORCH: "/nowhere" });
  expect(attempts.at(-1).error).toContain("expected a libtorch in /nowhere");
  expect(attempts).toHaveLength(2);
});

test("a libtorch of a version without an addon is named with the versions that have one", () => {
  const { attempts } = probe({ LIBTORCH: headersOf("2.10.1") });
  expect(attempts.at(-1).error).toContain(`expected libtorch ${minor}, for which there are addons, got 2.10.1`);
});

test("what set-up chose goes before the torch of Python", () => {
  record("cpu");
  const { attempts } = probe({ NOETHER_PYTHON: python("never", "touch $0.called", "echo /elsewhere") });
  expect(attempts.at(-1).source).toContain("(set-up)");
  expect(readdirSync(folder)).not.toContain("never.called");
});

test("a choice of set-up that is gone is passed over for the torch of Python", () => {
  record("cpu", join(folder, "gone"));
  const { attempts, versions } = probe({ NOETHER_PYTHON: python("python-of-test", `echo "${libtorch}"`) });
  expect(attempts.map(({ source }: { source: string }) => source)).toEqual([
    "compiled by set-up",
    expect.stringContaining("(set-up)"),
    expect.stringContaining("(torch of "),
  ]);
  expect(versions.torch).toMatch(new RegExp(`^${minor}\\.`));
});

test("the cache is used when no Python has a torch that fits, and only folders that are complete", () => {
  const cache = join(folder, "cache");
  for (const [name, inner, complete] of [
    ["2.14.9-cpu", headersOf("2.14.9"), false],
    [`${torchVersion(libtorch)}-cpu`, libtorch, true],
  ] as const) {
    mkdirSync(join(cache, "libtorch", name), { recursive: true });
    symlinkSync(inner, join(cache, "libtorch", name, "torch"));
    if (complete) writeFileSync(join(cache, "libtorch", name, ".complete"), "");
  }
  const fake = python("python-with-2.15", `echo "${headersOf("2.15.0")}"`);
  const { attempts, versions } = probe({ NOETHER_CACHE: cache, NOETHER_PYTHON: fake });
  expect(attempts[1].error).toContain("got 2.15.0");
  expect(attempts.at(-1).source).toContain("(cache)");
  expect(attempts.join("\n")).not.toContain("2.14.9");
  expect(versions).toBeDefined();
});

test("without CUDA's half, the reason is kept with what to do about it", () => {
  const view = viewOfLibtorch("cpu-only", {});
  expect(probe({ LIBTORCH: view }).noCuda).toBe(
    `libtorch in ${view} is a build without CUDA (no lib/libtorch_cuda.so): npx noether-ts setup --variant cu130 fetches one with it`,
  );
  record("cpu");
  expect(probe().noCuda).toBe(
    "set-up chose libtorch without CUDA: npx noether-ts setup --variant cu130 chooses it with CUDA",
  );
  expect(probe({ NOETHER_VARIANT: "cpu" }).noCuda).toBe("NOETHER_VARIANT=cpu asks for the CPU: unset it");
});

test("CUDA's half that does not open leaves the CPU, with the reason of the dynamic linker", () => {
  record("cu130", viewOfLibtorch("broken-cuda", { "libtorch_cuda.so": "not a library" }));
  const { noCuda, devices } = probe();
  expect(noCuda).toMatch(/broken-cuda\/torch\/lib\/libtorch_cuda\.so: (file too short|invalid ELF header)/);
  expect(devices).toEqual([{ name: "cpu" }]);
});

test("without a driver, CUDA's half of a libtorch that nobody chose stays closed", () => {
  const view = viewOfLibtorch("no-driver", { "libtorch_cuda.so": "not a library" });
  const { noCuda } = probe({ LIBTORCH: view });
  // with a driver it is opened, and found broken
  expect(noCuda).toMatch(/there is no NVIDIA driver \(libcuda\.so\.1: |libtorch_cuda\.so: /);
});

test("CUDA's half that opens is open: libtorch itself is asked then", () => {
  const view = viewOfLibtorch("with-cuda", {});
  const source = join(folder, "empty.c");
  writeFileSync(source, "");
  compile(["-o", join(view, "lib", "libtorch_cuda.so"), source]);
  record("cu130", view);
  const { noCuda, versions } = probe();
  // libtorch_cuda is open, but this one registers nothing
  expect(noCuda).toMatch(/^this build of libtorch has no CUDA/);
  expect(versions).toBeDefined();
});

test("a libtorch that does not open is passed over", () => {
  const view = viewOfLibtorch("broken", {});
  rmSync(join(view, "lib", "libtorch_cpu.so"));
  writeFileSync(join(view, "lib", "libtorch_cpu.so"), "not a library");
  record("cpu", view);
  const { attempts, versions } = probe({ NOETHER_PYTHON: python("python-of-test", `echo "${libtorch}"`) });
  expect(attempts[1].error).toContain("broken/torch/lib/libtorch_cpu.so");
  expect(versions).toBeDefined();
});

test("a package of another release is refused with the command that mends it", () => {
  setVersion(prebuilt, "0.0.1");
  try {
    expect(probe({ LIBTORCH: libtorch }).attempts.at(-1).error).toMatch(
      /got 0\.0\.1; npm install @noether-ts\/\S+@\d+\.\d+\.\d+/,
    );
  } finally {
    setVersion(prebuilt, packageVersion());
  }
});

test("other threads and other copies take the libtorch that is open", () => {
  const other = install("other");
  const program = `
    const { Worker } = require("node:worker_threads");
    const paths = ${JSON.stringify([installed, other].map((place) => join(place, "dist", "torch", "index.js")))};
    const A = require(paths[0]);
    process.env.LIBTORCH = ${JSON.stringify(headersOf("2.14.8"))};
    const B = require(paths[1]);
    new Worker("const T = require(" + JSON.stringify(paths[0]) + "); require('node:worker_threads').parentPort.postMessage(T.ones([2]).sum().item())", { eval: true })
      .on("message", (sum) => console.log(JSON.stringify([A.ones([3]).sum().item(), B.ones([4]).sum().item(), sum])));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", program], {
    encoding: "utf8",
    env: environment({ LIBTORCH: libtorch }),
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual([3, 4, 2]);
});
