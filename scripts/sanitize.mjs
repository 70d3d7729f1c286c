// Builds the addon with the sanitizers of addresses and undefined behaviour and runs tests on it: reads and writes of freed or
// foreign memory, and arithmetic, casts and pointers that C++ leaves undefined, end the run with a report.
//
//   node scripts/sanitize.mjs [arguments of jest]        default: the torch and native suites, with their workers and child processes
//
// Only the addon is instrumented; libtorch and Node are the ordinary ones, the sanitizer's runtime is preloaded. Memory is really
// freed in this build instead of being kept for the next tensor. Leaks are not looked for: Node and libtorch keep much until the end.
// Left out are the tests that measure the memory of the process, which is the sanitizer's here. Linux, GCC or Clang.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compileJobs, readBuildRecord, root } from "./libtorch.mjs";

const build = join(root, "native", "build", "asan");
const reports = join(build, "reports");
const cxx = process.env.CXX ?? "c++";

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) throw result.error;
  return result;
}

function require(condition, message) {
  if (condition) return;
  console.error(`sanitize: ${message}`);
  process.exit(1);
}

/** The sanitizers' runtimes that belong to the compiler: GCC has two, Clang one. */
function runtimes() {
  const found = [];
  for (const name of ["libasan.so", "libubsan.so", "libclang_rt.asan-x86_64.so", "libclang_rt.asan-aarch64.so"]) {
    const path = run(cxx, [`-print-file-name=${name}`], { stdio: "pipe", encoding: "utf8" }).stdout.trim();
    if (path !== name && existsSync(path)) found.push(path);
  }
  return found;
}

const record = readBuildRecord();
require(record?.libtorch, "expected libtorch to be set up: run npm run setup first");
const preload = runtimes();
require(preload[0], `expected ${cxx} to have the address sanitizer's runtime (Debian: libgcc-12-dev, or libclang-rt-dev)`);

mkdirSync(build, { recursive: true });
for (const args of [
  ["-S", "native", "-B", build, `-DLIBTORCH=${record.libtorch}`, "-DNOETHER_SANITIZE=address,undefined"],
  ["--build", build, "--parallel", String(compileJobs())],
])
  require(run("cmake", args).status === 0, `cmake ${args.join(" ")} failed`);

// Child processes of the tests load the package as it is built.
require(run(process.execPath, [join(root, "scripts", "build.mjs")]).status === 0, "scripts/build.mjs failed");

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports);
const asked = process.argv.slice(2);
const measured = "(?!memory)"; // files that measure memory are named so
const tests = asked.length > 0 ? asked : [`test/torch/${measured}`, "test/native/", `test/dist/torch/${measured}`];
const { status } = run(
  process.execPath,
  [join(root, "node_modules", "jest", "bin", "jest.js"), "--runInBand", "--testTimeout=600000", ...tests],
  {
    env: {
      ...process.env,
      NOETHER_NATIVE: join(build, "Release", "noether_native.node"),
      LD_PRELOAD: preload.join(":"),
      ASAN_OPTIONS: `detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=64:log_path=${join(reports, "report")}`,
      UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1", // written to stderr, whatever log_path says
    },
  },
);
// A size that no machine has gives a warning and a null pointer; that it becomes an error in JavaScript is what tests check.
const found = readdirSync(reports)
  .map((name) => readFileSync(join(reports, name), "utf8"))
  .filter((report) =>
    report.split("\n").some((line) => line.trim() !== "" && !/WARNING: .* failed to allocate/.test(line)),
  );
for (const report of found) console.error(report);
require(found.length === 0, `${found.length} report${found.length === 1 ? "" : "s"} above`);
require(status === 0, "the tests failed, without a report of the sanitizer");
console.log("sanitize: no report");
