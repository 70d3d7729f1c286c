/**
 * Where a libtorch may be, in the order of `scripts/fetch-libtorch.sh`: `LIBTORCH` → what set-up chose → the torch of a Python
 * installation → the cache. Nothing is fetched.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { packageRoot } from "./package-root";

/** A folder with `include/` and `lib/`, or a place that should have held one. */
export interface LibtorchFolder {
  /** Who named it, as a person would say it. */
  readonly source: string;
  readonly path: string;
  /** `cpu` or `cu130`, where somebody chose; absent where the folder and the machine decide. */
  readonly variant?: string;
}

/** What set-up wrote down: the libtorch that it found or fetched. */
export interface SetupRecord {
  readonly libtorch: string;
  readonly version: string;
  readonly variant: string;
  /** Of a compiled addon: a hash of all that went into it. */
  readonly inputs?: string;
}

/** The record of the last set-up; undefined when there was none. */
export function readSetupRecord(root = packageRoot()): SetupRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(root, "native", "build", "build-record.json"), "utf8")) as SetupRecord;
  } catch {
    return undefined; // no set-up yet, or one that was interrupted
  }
}

/**
 * The places, each looked up only when the ones before it were no good. A libtorch that this process has open is the only one, since
 * two would share parts; else a `LIBTORCH` that is set, since a path that was given on purpose is not silently passed over.
 */
export function* libtorchFolders(): Generator<LibtorchFolder> {
  const open = openLibtorchFile();
  if (open !== undefined) {
    yield { source: openInProcess, path: dirname(dirname(open)) };
    return;
  }
  const record = readSetupRecord();
  const given = process.env.LIBTORCH;
  if (given) {
    yield { source: "LIBTORCH", path: given, variant: record?.libtorch === given ? record.variant : undefined };
    return;
  }
  if (record) yield { source: "set-up", path: record.libtorch, variant: record.variant };
  for (const python of pythons()) {
    const path = torchOf(python);
    if (path) yield { source: `torch of ${python}`, path };
  }
  yield* cachedFolders();
}

/** The source of the libtorch that another thread, or another copy of this package, has opened. */
export const openInProcess = "open in this process";

/** The file of a library of libtorch that is mapped into this process; undefined where there is none, or the system does not tell. */
export function openLibtorchFile(library = "libtorch_cpu"): string | undefined {
  if (!existsSync("/proc/self/maps")) return undefined;
  return new RegExp(`(/\\S.*/${library}\\.so)$`, "m").exec(readFileSync("/proc/self/maps", "utf8"))?.[1];
}

/** `2.13.0` from the headers of a libtorch folder; undefined when it is none. */
export function torchVersion(folder: string): string | undefined {
  for (const header of ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h", "torch/version.h"]) {
    const path = join(folder, "include", header);
    if (!existsSync(path)) continue;
    const text = readFileSync(path, "utf8");
    const parts = ["MAJOR", "MINOR", "PATCH"].map(
      (part) => new RegExp(`define TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1],
    );
    if (!parts.includes(undefined)) return parts.join(".");
  }
  return undefined;
}

function pythons(): Set<string> {
  const { NOETHER_PYTHON, VIRTUAL_ENV } = process.env;
  const named = [NOETHER_PYTHON, VIRTUAL_ENV && join(VIRTUAL_ENV, "bin", "python"), "python3", "python"];
  return new Set(named.filter((name) => name) as string[]);
}

/** The folder of the torch package of a Python, without running any code of torch, which would take seconds. */
function torchOf(python: string): string | undefined {
  const find =
    'import sys; sys.path = [p for p in sys.path if p]; import importlib.util as u, os; s = u.find_spec("torch"); print(os.path.dirname(s.origin) if s and s.origin else "")';
  const { status, stdout } = spawnSync(python, ["-c", find], {
    encoding: "utf8",
    timeout: 20_000,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

/** The version that fetch-libtorch.sh fetches unless it is told another. */
const defaultVersion = "2.13.0";

/** Complete folders of the cache: the default version first, then newer before older, with CUDA before without. */
function cachedFolders(): LibtorchFolder[] {
  const root = cacheFolder();
  if (root === undefined || !existsSync(root)) return [];
  const rank = (name: string) => (name.startsWith(`${defaultVersion}-`) ? "1" : "0") + name;
  return readdirSync(root)
    .filter((name) => /^2\.\d+\.\d+-(cpu|cu\d{3})$/.test(name) && existsSync(join(root, name, ".complete")))
    .sort((a, b) => rank(b).localeCompare(rank(a), "en", { numeric: true }))
    .flatMap((name) => ["torch", "libtorch"].map((inner) => ({ name, path: join(root, name, inner) })))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }) => ({
      source: "cache",
      path,
      // a machine may lose its GPU after CUDA's libtorch was fetched: then the libraries decide
      variant: name.endsWith("-cpu") ? "cpu" : undefined,
    }));
}

function cacheFolder(): string | undefined {
  const { NOETHER_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  if (NOETHER_CACHE) return join(NOETHER_CACHE, "libtorch");
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, "noether-ts", "libtorch");
  try {
    return join(HOME ? homedir() : userInfo().homedir, ".cache", "noether-ts", "libtorch");
  } catch {
    return undefined; // a user without an entry in passwd, as containers have
  }
}
