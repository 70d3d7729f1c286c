import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-doctor-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function doctor(env: Record<string, string> = {}) {
  const { NOETHER_NATIVE: _, ...inherited } = process.env;
  const child = spawnSync(process.execPath, [join(root, "dist", "cli", "noether-ts.js"), "doctor", "--json"], {
    encoding: "utf8",
    env: { ...inherited, ...env },
  });
  return { code: child.status, report: JSON.parse(child.stdout) };
}

/** An addon as far as loading and the version check go. */
function fakeAddon(compiled: string, running: string, cudaLinked = false): string {
  const path = join(folder, "addon.cjs");
  const versions = JSON.stringify({ torch: compiled, addon: "0", cudaLinked, cudaDevices: 0, cxx: "0" });
  writeFileSync(path, `exports.versions = () => (${versions}); exports.config = () => "TORCH_VERSION=${running}, USE_CUDA=0";`);
  return path;
}

test("a working installation is healthy and exits with 0", () => {
  const { code, report } = doctor();
  expect(report.problems).toEqual([]);
  expect(code).toBe(0);
  expect(report.healthy).toBe(true);
  const facts = Object.fromEntries(report.facts);
  expect(facts.Node).toContain(process.versions.node);
  expect(facts.libtorch).toMatch(/^2\.1[1-4]\./);
  expect(facts.devices).toMatch(/^cpu/);
});

test("a missing addon is reported with the path that was tried and the commands to run next", () => {
  const { code, report } = doctor({ NOETHER_NATIVE: "/nowhere/noether_native.node" });
  expect(code).toBe(1);
  expect(report.attempts).toEqual([
    { source: "NOETHER_NATIVE", path: "/nowhere/noether_native.node", error: "no such file" },
  ]);
  expect(report.next[0]).toContain("unset NOETHER_NATIVE");
});

test("without libtorch the dynamic linker's complaint is in the trace", () => {
  // the real addon under another name, with a libtorch folder in front of its own that holds a broken library
  const broken = join(folder, "lib");
  mkdirSync(broken);
  writeFileSync(join(broken, "libc10.so"), "not a library");
  const copy = join(folder, "noether_native.node");
  copyFileSync(join(root, "native", "build", "Release", "noether_native.node"), copy);
  const { code, report } = doctor({ NOETHER_NATIVE: copy, LD_LIBRARY_PATH: broken });
  expect(code).toBe(1);
  expect(report.attempts[0].error).toContain("libc10.so");
});

test("a libtorch of another version than the addon was compiled against is refused", () => {
  const { code, report } = doctor({ NOETHER_NATIVE: fakeAddon("2.13.0", "2.12.1") });
  expect(code).toBe(1);
  expect(report.attempts[0].error).toContain("expected libtorch 2.13, which the addon was compiled against");
  expect(report.attempts[0].error).toContain("2.12.1 was loaded");
});

test("a libtorch with CUDA has a line of the kernels of our own", () => {
  const path = fakeAddon("2.13.0", "2.13.0", true);
  const status = { built: true, devices: 0, runtimeVersion: 13000, cudnnVersion: 0, driverFound: false, driverVersion: 0, driverFailure: 0 };
  appendFileSync(
    path,
    `exports.cudaStatus = () => (${JSON.stringify(status)});
     exports.cpuKernels = () => ({ capability: "aten", matmul: [], attention: [] });
     exports.cudaKernels = () => ({ available: false, problem: "cannot open libnoether_cuda.so\\nmore" });
     exports.numThreads = exports.numInteropThreads = () => 1;
     exports.operator = () => 0; exports.call = () => 0; exports.toBytes = () => new Float32Array([3, 3]).buffer;`,
  );
  const { report } = doctor({ NOETHER_NATIVE: path });
  expect(Object.fromEntries(report.facts)["CUDA kernels"]).toBe("not available: cannot open libnoether_cuda.so");
});

test("a crash in native code is a line of the report", () => {
  const path = join(folder, "addon.cjs");
  writeFileSync(path, `exports.versions = () => process.kill(process.pid, "SIGSEGV");`);
  const { code, report } = doctor({ NOETHER_NATIVE: path });
  expect(code).toBe(1);
  expect(report.problems.join("\n")).toContain("SIGSEGV");
});
