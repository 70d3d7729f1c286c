/**
 * Builds what `run.mjs` needs into native/build/test-cuda: the fake runtime (`libcuda.so.1`, preloaded) and the addon that
 * opens CUDA's libtorch and computes values; and, where there is nvcc, the addon's library of CUDA code. Done again only when a
 * source or the libtorch has changed.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const out = join(root, "native", "build", "test-cuda");

/** Names that a library takes from others, or that object files define. */
function symbols(files, kind) {
  const lines = execFileSync("nm", [...kind, ...files], { encoding: "utf8", maxBuffer: 2 ** 28, stdio: "pipe" });
  return lines.split("\n").flatMap((line) => /\s[A-Za-z] (\w+)(@.*)?$/.exec(line)?.[1] ?? []);
}

/** Functions of CUDA's libraries that libtorch calls and the hand-written sources do not define. */
function generatedSource(torch, objects) {
  const library = join(torch, "lib");
  const callers = readdirSync(library).filter((name) =>
    /^lib(torch_cuda|c10_cuda|caffe2_nvrtc|torch_nvshmem).*\.so$/.test(name),
  );
  const called = symbols(callers.map((name) => join(library, name)), ["-D", "--undefined-only"]); // prettier-ignore
  const written = new Set(symbols(objects, ["--defined-only"]));
  const body = (name) => {
    // of the runtime and the driver, what is not written does not work; libraries succeed
    if (/^cuda/.test(name)) return "return 801; /* cudaErrorNotSupported */";
    if (/^cu[A-Z]/.test(name)) return "return 801; /* CUDA_ERROR_NOT_SUPPORTED */";
    if (/Create/.test(name)) return "*first = fake_library_object(); return 0;";
    const computes =
      /gemm|gemv|Gemm|Matmul$|Exec|Forward|Backward/.test(name) && !/Get|Set|Workspace|Destroy/.test(name);
    return computes ? `fake_library_launch("launch ${name}"); return 0;` : "return 0;";
  };
  const names = [...new Set(called)].filter((name) => /^cu(da[A-Z]|blas|dnn|solver|sparse|fft|rand|[A-Z])/.test(name));
  const functions = names.filter((name) => !written.has(name) && !/^cuFile/.test(name)).sort();
  return [
    'extern "C" {',
    "void fake_library_launch(const char*);",
    "void* fake_library_object();",
    "#pragma GCC visibility push(default)",
    ...functions.map((name) => `int ${name}([[maybe_unused]] void** first) { ${body(name)} }`),
    "#pragma GCC visibility pop",
    "}",
    "",
  ].join("\n");
}

function sourcesIn(folder) {
  return readdirSync(join(here, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(cpp|h)$/.test(name))
    .map((name) => join(here, folder, name));
}

const compile = (args) => execFileSync(process.env.CXX ?? "g++", ["-std=c++20", "-O1", "-fPIC", "-Wall", "-fvisibility=hidden", ...args], { stdio: ["ignore", 2, 2] }); // prettier-ignore

/** The headers of CUDA's runtime beside a wheel's torch/ folder. */
export function cudaHeaders(torch) {
  const nvidia = join(torch, "..", "nvidia");
  if (!existsSync(nvidia)) return undefined;
  return readdirSync(nvidia)
    .map((name) => join(nvidia, name, "include"))
    .find((folder) => existsSync(join(folder, "cuda_runtime_api.h")));
}

/** @returns the paths of the runtime to preload (absent with a GPU) and of the addon to require. */
export function build(torch, { fake }) {
  const sources = [...sourcesIn("runtime"), ...sourcesIn("addon"), fileURLToPath(import.meta.url)].sort();
  const hash = createHash("sha256").update(realpathSync(torch)).update(process.version);
  for (const source of sources) hash.update(source).update(readFileSync(source));
  const folder = join(out, hash.digest("hex").slice(0, 16));
  const built = { addon: join(folder, "cuda_test.node"), runtime: fake ? join(folder, "libcuda.so.1") : undefined };
  if (!existsSync(built.addon)) buildAddon(torch, folder, built.addon);
  if (fake && !existsSync(built.runtime)) buildRuntime(torch, folder, built.runtime);
  return built;
}

/**
 * Builds the addon's library of CUDA code against the torch of the tests, for one architecture, and lays a copy of the addon beside
 * it, where the addon looks for it.
 *
 * @returns the path of that addon; undefined without nvcc.
 */
export function buildCudaLibrary(torch, addon) {
  const folder = join(out, `library-${createHash("sha256").update(realpathSync(torch)).digest("hex").slice(0, 16)}`);
  const options = [`-DLIBTORCH=${torch}`, "-DNOETHER_CUDA_ARCHITECTURES=80", "-DCMAKE_BUILD_TYPE=Release"];
  const cmake = (...args) => execFileSync("cmake", args, { encoding: "utf8", stdio: ["ignore", "pipe", 2] });
  if (!/CUDA kernels: .*architectures/.test(cmake("-S", join(root, "native"), "-B", folder, ...options)))
    return undefined;
  cmake("--build", folder, "--target", "noether_cuda");
  const copy = join(folder, "Release", "noether_native.node");
  copyFileSync(addon, `${copy}.part`);
  renameSync(`${copy}.part`, copy);
  return copy;
}

function buildRuntime(torch, folder, target) {
  mkdirSync(folder, { recursive: true });
  const headers = ["-isystem", cudaHeaders(torch), "-idirafter", join(here, "runtime", "compat")];
  const objects = sourcesIn("runtime")
    .filter((name) => name.endsWith(".cpp"))
    .map((source) => {
      const object = join(folder, `${source.slice(join(here, "runtime").length + 1, -".cpp".length)}.o`);
      compile(["-c", ...headers, source, "-o", object]);
      return object;
    });
  const generated = join(folder, "generated.cpp");
  writeFileSync(generated, generatedSource(torch, objects));
  compile(["-shared", "-Wl,-soname,libcuda.so.1", ...objects, generated, "-o", `${target}.part`, "-ldl"]);
  renameSync(`${target}.part`, target);
}

function buildAddon(torch, folder, target) {
  mkdirSync(folder, { recursive: true });
  const node = join(dirname(realpathSync(process.execPath)), "..", "include", "node");
  const headers = existsSync(join(node, "node_api.h"))
    ? node
    : join(root, "node_modules", "node-api-headers", "include");
  const library = join(torch, "lib");
  const options = ["-DNAPI_VERSION=8", "-isystem", headers, "-isystem", join(torch, "include"), "-isystem", join(torch, "include", "torch", "csrc", "api", "include")]; // prettier-ignore
  const link = [`-L${library}`, `-Wl,-rpath,${library}`, `-Wl,-rpath-link,${library}`, "-Wl,-z,nodelete", "-Wl,--allow-shlib-undefined", "-lc10", "-ltorch_cpu", "-Wl,--no-as-needed", "-lc10_cuda", "-ltorch_cuda"]; // prettier-ignore
  const sources = sourcesIn("addon").filter((name) => name.endsWith(".cpp"));
  compile(["-shared", ...options, ...sources, "-o", `${target}.part`, ...link]);
  renameSync(`${target}.part`, target);
}
