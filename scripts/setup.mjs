// Brings a clone, or an installed package, to the state where it runs; re-does only what is stale and prints one line a step.
//
//   node scripts/setup.mjs [--native] [--variant cpu|cu130] [--version 2.13.0] [--compile]
//
//   1. npm ci                       when node_modules does not hold what package-lock.json says
//   2. scripts/fetch-libtorch.sh    when no libtorch is known from the last time
//   3. compile the addon            when its sources, the build files or libtorch changed, unless the package of this platform has it
//                                   ready (--compile: all the same); an installed package keeps none of the build's intermediates
//                                   (half a gigabyte), a clone does, for its next build
//   4. build dist/                  when lib/ or the build's configuration changed (not with --native)
//
// --variant and --version are remembered until they are given again. NOETHER_NATIVE (a ready addon) skips 2 and 3.
// Plain Node without dependencies: it runs before node_modules exists.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import {
  compileJobs,
  buildRecordPath,
  describeDriver,
  isClone,
  isSupported,
  prebuiltAddon,
  prebuiltFolder,
  prebuiltName,
  readBuildRecord,
  root,
  setupCommand,
  torchVersion,
} from "./libtorch.mjs";

const usage = `Usage: ${setupCommand()} [options]

Finds or fetches libtorch, and compiles the addon where no prebuilt package has
it. What is up to date is left alone.

  --variant cpu|cu130   libtorch without or with CUDA; remembered
  --version 2.13.0      of libtorch, 2.11 to 2.14; remembered
  --compile             compile the addon although there is a prebuilt one

Exit codes: 0 done, 1 failed, 2 bad usage.`;

const options = readOptions();

function readOptions() {
  const types = { native: "boolean", variant: "string", version: "string", compile: "boolean", help: "boolean" };
  try {
    const { values } = parseArgs({
      options: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }])),
    });
    if (!values.help) return values;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`setup: ${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

const addonPath = join(root, "native", "build", "Release", "noether_native.node");
const cudaLibraryPath = join(dirname(addonPath), "libnoether_cuda.so");

const say = (text) => console.log(`setup: ${text}`);

/** Runs a step that is stale, with its own output, and prints how long it took. */
function step(title, action) {
  say(title);
  const start = performance.now();
  const result = action();
  say(`${title}: done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

class SetupError extends Error {}

function run(command, args, extra = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...extra });
  if (result.error || result.status !== 0) {
    throw new SetupError(`${command} ${args.join(" ")} failed${result.error ? `: ${result.error.message}` : ""}`);
  }
  return result.stdout;
}

/** One SHA-256 over paths and contents. */
function hashOf(files, ...more) {
  const hash = createHash("sha256");
  for (const file of [...files].sort())
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.update(JSON.stringify(more)).digest("hex");
}

function filesUnder(folder, pattern) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => pattern.test(path));
}

// ---- 1. node_modules

/** npm's own record of what it installed, against the lock file; packages for other platforms may be absent. */
function nodeModulesAreFresh() {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(locked).every(
    ([path, { version, optional, peer }]) =>
      path === "" || installed[path]?.version === version || ((optional || peer) && !installed[path]),
  );
}

function installPackages() {
  if (!existsSync(join(root, "package-lock.json"))) return; // an installed package: its dependencies came with it
  if (nodeModulesAreFresh()) return say("node_modules: up to date");
  step("npm ci", () => run("npm", ["ci", "--no-audit", "--no-fund"]));
}

// ---- 2. libtorch

function findLibtorch(record) {
  const variant = options.variant ?? process.env.NOETHER_VARIANT ?? record?.variant ?? "cpu";
  const known = process.env.LIBTORCH ?? record?.libtorch;
  const asked = options.variant || options.version || process.env.NOETHER_VARIANT;
  const version = known && torchVersion(known);
  if (isSupported(version) && !asked && (!process.env.LIBTORCH || record?.libtorch === process.env.LIBTORCH)) {
    say(`libtorch ${version} (${variant}): ${known}`);
    return { libtorch: known, variant };
  }
  const args = ["--variant", variant, ...(options.version ? ["--version", options.version] : [])];
  if (prebuiltFolder() && !options.compile) args.push("--any-version"); // there is an addon for each
  const libtorch = step(`libtorch (${variant})`, () =>
    run(join(root, "scripts", "fetch-libtorch.sh"), args, {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8",
      env: { ...process.env, NOETHER_SETUP_COMMAND: setupCommand() },
    }).trim(),
  );
  say(`libtorch ${torchVersion(libtorch)} (${variant}): ${libtorch}`);
  if (variant === "cpu") proposeCuda();
  return { libtorch, variant };
}

function proposeCuda() {
  let driver;
  try {
    driver = describeDriver(readFileSync("/proc/driver/nvidia/version", "utf8"));
  } catch {
    return; // no driver
  }
  if (driver.runsCuda13)
    say(`NVIDIA driver ${driver.version}: ${setupCommand("--variant", "cu130")} uses the GPU (3.7 GB)`);
  else say(`NVIDIA driver ${driver.version}: too old for CUDA 13, which needs 580 or newer; the GPU stays unused`);
}

// ---- 3. the addon

function requireTools() {
  const missing = [];
  const works = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
  if (!works("cmake")) missing.push("CMake >= 3.18 (Debian: apt-get install cmake; or pip install cmake)");
  if (![process.env.CXX, "c++", "g++", "clang++"].some((command) => command && works(command))) {
    missing.push("a C++20 compiler, GCC >= 11 or Clang >= 14 (Debian: apt-get install g++)");
  }
  if (!works("ninja") && !works("make")) missing.push("make or ninja (Debian: apt-get install make)");
  if (missing.length > 0)
    throw new SetupError(
      `compiling the addon needs what is not on the PATH:\n  - ${missing.join("\n  - ")}${withoutCompiler()}`,
    );
}

/** How to do without a compiler, where that is possible. */
function withoutCompiler() {
  if (isClone || prebuiltName === undefined || prebuiltFolder()) return "";
  return `\nor nothing of it, with the addon ready-made: npm install ${prebuiltName}@${ownVersion()}`;
}

const ownVersion = () => JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

/** Uses the addon of the prebuilt package if it has one for this libtorch; false when it does not. */
function usePrebuilt({ libtorch, variant }) {
  const version = torchVersion(libtorch);
  if (options.compile || !prebuiltAddon(version)) return false;
  rmSync(addonPath, { force: true }); // the loader would prefer what was compiled here earlier
  try {
    replaceFile(buildRecordPath, `${JSON.stringify({ libtorch, version, variant }, null, 2)}\n`);
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes(error.code)) throw error;
    say(
      `the choice cannot be remembered (${error.message}); set LIBTORCH=${libtorch} where no other libtorch may be found`,
    );
  }
  // in a process of its own, and with all of the loader's checks
  const probe = spawnSync(process.execPath, [join(root, "dist", "cli", "doctor-probe.js")], { encoding: "utf8" });
  if (probe.status !== 0)
    throw new SetupError(`the prebuilt addon ends the process (${probe.signal ?? probe.status})\n${probe.stderr}`);
  const { attempts, versions, noCuda } = JSON.parse(probe.stdout.trim().split("\n").at(-1));
  if (!versions) {
    const errors = attempts.map(({ source, error }) => `  - ${source}: ${error}`);
    throw new SetupError(`the prebuilt addon does not load:\n${errors.join("\n")}`);
  }
  say(`addon: prebuilt for libtorch ${version.split(".").slice(0, 2).join(".")}, loads`);
  if (variant !== "cpu" && noCuda) say(`CUDA cannot be used: ${noCuda}`);
  return true;
}

function compileAddon() {
  if (process.env.NOETHER_NATIVE) return say(`addon: NOETHER_NATIVE=${process.env.NOETHER_NATIVE}, nothing to compile`);
  const record = readBuildRecord();
  const { libtorch, variant } = findLibtorch(record);
  if (usePrebuilt({ libtorch, variant })) return;
  const version = torchVersion(libtorch);
  const require = createRequire(join(root, "package.json"));
  const headers = require("node-addon-api/package.json").version;
  const own = ownVersion();
  const sources = [
    ...filesUnder(join(root, "native", "src"), /\.(cpp|h|cu|cuh)$|CMakeLists\.txt$/),
    ...["CMakeLists.txt", "package.json"].map((name) => join(root, "native", name)),
  ];
  const inputs = hashOf(sources, { libtorch, version, variant, headers, own });
  if (record?.inputs === inputs && existsSync(addonPath)) return say("addon: up to date");

  requireTools();
  const jobs = compileJobs();
  const common = ["--log-level", "warn", "-d", "native", "-O", "native/build"];
  const definitions = [`--CDLIBTORCH=${libtorch}`, `--CDNOETHER_CUDA=${variant === "cpu" ? "OFF" : "ON"}`];
  const cmakeJs = join(dirname(require.resolve("cmake-js/package.json")), "bin", "cmake-js");
  step(`compiling the addon with ${jobs} job${jobs > 1 ? "s" : ""}`, () => {
    // not `compile`: at the first compiler error that would throw the whole build folder away and start again
    run(process.execPath, [cmakeJs, "configure", ...common, ...definitions]);
    run(process.execPath, [cmakeJs, "build", ...common, "--parallel", String(jobs)]);
  });
  replaceFile(buildRecordPath, `${JSON.stringify({ libtorch, version, variant, inputs }, null, 2)}\n`);
  if (!isClone) removeIntermediates();
}

/** Leaves the addon, the CUDA kernels where there are any, and the record of the build folder. */
function removeIntermediates() {
  const release = dirname(addonPath);
  for (const folder of [dirname(buildRecordPath), release]) {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (![addonPath, cudaLibraryPath, release, buildRecordPath].includes(path))
        rmSync(path, { recursive: true, force: true });
    }
  }
}

// ---- 4. dist/

function buildDist() {
  if (!isClone) return; // an installed package is built already
  const stamp = join(root, "dist", ".inputs");
  const configs = ["package.json", "tsconfig.json", "tsconfig.build.json", "tsup.config.ts", "scripts/build.mjs"];
  const inputs = hashOf([...filesUnder(join(root, "lib"), /\.ts$/), ...configs.map((name) => join(root, name))]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) return say("dist: up to date");
  rmSync(stamp, { force: true });
  step("building dist", () => run(process.execPath, ["scripts/build.mjs", "--tolerate-type-errors"]));
  replaceFile(stamp, inputs);
}

function replaceFile(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, content);
  renameSync(`${path}.${process.pid}`, path);
}

try {
  installPackages();
  compileAddon();
  if (!options.native) buildDist();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(
    `setup: ${error.message}\nsetup: fix the cause above and run ${setupCommand()} again; what is done is kept`,
  );
  process.exitCode = 1;
}
