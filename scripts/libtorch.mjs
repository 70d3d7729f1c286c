// What set-up knows about a libtorch folder and about the addon that was compiled last.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, freemem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** True in a clone; an installed package has no sources in TypeScript. */
export const isClone = existsSync(join(root, "lib"));

/** The command that a person types to run set-up here. */
export function setupCommand(...args) {
  if (!isClone) return ["npx noether-ts setup", ...args].join(" ");
  return ["npm run setup", ...(args.length > 0 ? ["--", ...args] : [])].join(" ");
}

/** Written beside the compiled addon: { libtorch, version, variant, inputs }. `noether-ts doctor` reads it too. */
export const buildRecordPath = join(root, "native", "build", "build-record.json");

export function readBuildRecord() {
  try {
    return JSON.parse(readFileSync(buildRecordPath, "utf8"));
  } catch {
    return undefined; // never compiled, or a torn write: compile again
  }
}

/** Compilers at a time: a file of the addon takes about 1.5 GB of memory. */
export function compileJobs() {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / 1.5e9)));
}

/** "2.13.0" from the headers of a libtorch folder, undefined when it is none. */
export function torchVersion(folder) {
  for (const header of ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h", "torch/version.h"]) {
    const path = join(folder, "include", header);
    if (!existsSync(path)) continue;
    const text = readFileSync(path, "utf8");
    const parts = ["MAJOR", "MINOR", "PATCH"].map(
      (part) => new RegExp(`define TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1],
    );
    if (parts.every((part) => part !== undefined)) return parts.join(".");
  }
  return undefined;
}

/** True for the versions that the addon compiles against. */
export function isSupported(version) {
  const [major, minor] = (version ?? "").split(".").map(Number);
  return major === 2 && minor >= 11 && minor <= 14;
}

/** The package that has the addon ready for this platform; undefined where there is none. `lib/torch/prebuilt.ts` loads it. */
export const prebuiltName =
  process.platform === "linux" && process.arch === "x64" && process.report.getReport().header.glibcVersionRuntime
    ? "@noether-ts/linux-x64-gnu"
    : undefined;

/** Where it is installed; undefined when it is not, and in a clone, which compiles its own sources. */
export function prebuiltFolder() {
  if (isClone || prebuiltName === undefined) return undefined;
  try {
    return dirname(createRequire(join(root, "package.json")).resolve(`${prebuiltName}/package.json`));
  } catch {
    return undefined;
  }
}

/** Its addon for a version of libtorch; undefined when it has none. */
export function prebuiltAddon(version) {
  const folder = prebuiltFolder();
  const addon = folder && join(folder, `libtorch-${version.split(".").slice(0, 2).join(".")}`, "noether_native.node");
  return addon && existsSync(addon) ? addon : undefined;
}

/** What /proc/driver/nvidia/version says: the version of the NVIDIA driver, and whether libtorch for CUDA 13 runs with it. */
export function describeDriver(text) {
  const version = /Kernel Module\D*?(?:x86_64)?\s+(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? "of unknown version";
  return { version, runsCuda13: !(Number.parseInt(version, 10) < 580) };
}

/** Folders that the addon's run-time path must name: libtorch's own, and the NVIDIA wheels' beside a wheel's torch/. */
export function libraryFolders(libtorch, listFolders) {
  const nvidia = join(realpathSync(libtorch), "..", "nvidia");
  const folders = existsSync(nvidia) ? listFolders(nvidia).map((name) => join(nvidia, name, "lib")) : [];
  return [join(libtorch, "lib"), ...folders.filter((folder) => existsSync(folder))];
}
