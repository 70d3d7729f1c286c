/**
 * `npm run test:cuda [-- jest's arguments]`: the tests of this folder, on a GPU where there is one, else on the fake CUDA
 * runtime. Without a CUDA libtorch it says so and succeeds; README.md says where one is looked for.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, buildCudaLibrary, cudaHeaders } from "./build.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");

/** Prints why nothing is tested. That is no failure: most machines have no CUDA libtorch. */
function skip(reason) {
  console.log(`test:cuda: skipped: ${reason}`);
  process.exit(0);
}

/** What set-up has compiled the addon against. */
function buildRecord() {
  try {
    return JSON.parse(readFileSync(join(root, "native", "build", "build-record.json"), "utf8"));
  } catch {
    return undefined;
  }
}

/** Folders of torch that may be there, the likeliest first. */
function candidates(record) {
  const { NOETHER_CACHE, XDG_CACHE_HOME, NOETHER_PYTHON, PYTHON, VIRTUAL_ENV } = process.env;
  const cache = join(NOETHER_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "noether-ts"), "libtorch");
  const cached = existsSync(cache) ? readdirSync(cache).filter((name) => /-cu\d+$/.test(name)) : [];
  const pythons = [NOETHER_PYTHON, PYTHON, VIRTUAL_ENV && join(VIRTUAL_ENV, "bin", "python"), "python3"].filter(
    Boolean,
  );
  return [
    record.libtorch,
    ...cached.flatMap((name) => [join(cache, name, "torch"), join(cache, name, "libtorch")]),
    ...pythons.flatMap((python) => torchOf(python) ?? []),
  ];
}

function torchOf(python) {
  const find =
    "import importlib.util as u, os; s = u.find_spec('torch'); print(os.path.dirname(s.origin) if s else '')";
  const { stdout } = spawnSync(python, ["-c", find], { encoding: "utf8" });
  return stdout?.trim() || undefined;
}

function versionOf(torch) {
  const header = join(torch, "include", "torch", "headeronly", "version.h");
  if (!existsSync(header)) return undefined;
  const text = readFileSync(header, "utf8");
  return ["MAJOR", "MINOR"].map((part) => new RegExp(`TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1]).join(".");
}

/** Why a folder does not do; undefined where it does. */
function unfit(torch, record, fake) {
  const minor = record.version.split(".").slice(0, 2).join(".");
  if (!existsSync(join(torch, "lib", "libtorch_cuda.so"))) return "no lib/libtorch_cuda.so";
  if (versionOf(torch) !== minor) return `version ${versionOf(torch)}, and the addon is built for ${minor}`;
  if (fake && !cudaHeaders(torch)) return "no CUDA headers beside it (nvidia/*/include/cuda_runtime_api.h)";
  return undefined;
}

function hasGpu() {
  return spawnSync("nvidia-smi", ["-L"], { encoding: "utf8" }).stdout?.includes("GPU 0") ?? false;
}

if (process.platform !== "linux") skip(`the fake CUDA runtime is for Linux, this is ${process.platform}`);
const record = buildRecord();
if (!record) skip("the addon is not built (npm run setup)");
const fake = process.env.NOETHER_TEST_CUDA === "fake" || !hasGpu();
const given = process.env.NOETHER_CUDA_TORCH;
const tried = (given ? [given] : candidates(record)).map((torch) => ({ torch, reason: unfit(torch, record, fake) }));
const { torch } = tried.find(({ reason }) => !reason) ?? {};
if (given && !torch) {
  console.error(
    `test:cuda: NOETHER_CUDA_TORCH=${given}: expected the torch/ folder of a CUDA wheel: ${tried[0].reason}`,
  );
  process.exit(2);
}
if (!torch) {
  const reasons = tried.map((entry) => `  ${entry.torch}: ${entry.reason}`).join("\n");
  skip(`no CUDA libtorch found:\n${reasons}\n  (NOETHER_CUDA_TORCH names the torch/ folder of a CUDA wheel)`);
}

console.log(`test:cuda: ${fake ? "fake CUDA runtime" : "GPU"}, libtorch in ${torch}`);
let built, withLibrary;
try {
  built = build(torch, { fake });
  const compiled = join(root, "native", "build", "Release", "noether_native.node");
  if (!process.env.NOETHER_NATIVE) withLibrary = buildCudaLibrary(torch, compiled);
} catch (error) {
  console.error(`test:cuda: what the tests need does not build: ${error.message.split("\n")[0]}`);
  process.exit(1);
}
if (!withLibrary && !process.env.NOETHER_NATIVE)
  console.log("test:cuda: no nvcc (pip install nvidia-cuda-nvcc): kernels of our own and graphs are not tested");
const options = [`--require ${join(here, "preload.cjs")}`, process.env.NODE_OPTIONS].filter(Boolean).join(" ");
const environment = {
  ...process.env,
  NODE_OPTIONS: options,
  NOETHER_CUDA_TEST_ADDON: built.addon,
  NOETHER_TEST_DEVICE: "cuda",
  ...(withLibrary && { NOETHER_NATIVE: withLibrary, NOETHER_CUDA_TEST_LIBRARY: "1" }),
  ...(built.runtime && { LD_PRELOAD: [built.runtime, process.env.LD_PRELOAD].filter(Boolean).join(":") }),
};
const jest = [
  join(root, "node_modules", "jest", "bin", "jest.js"),
  "-c",
  join(here, "jest.config.cjs"),
  "--rootDir",
  root,
];
try {
  execFileSync(process.execPath, [...jest, ...process.argv.slice(2)], {
    env: environment,
    stdio: "inherit",
    cwd: root,
  });
} catch (error) {
  process.exitCode = error.status ?? 1;
}
