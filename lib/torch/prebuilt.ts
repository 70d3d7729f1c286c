/**
 * The prebuilt package of this platform: an addon for each minor version of libtorch, without a path to it. One of them serves the
 * CPU and CUDA: what makes the difference is whether `libtorch_cuda.so` is open when it is loaded.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { openInProcess, openLibtorchFile, torchVersion, type LibtorchFolder } from "./libtorch-folders";
import { isClone, packageRoot, packageVersion, platformName, setupCommand } from "./package-root";

/** @noether-ts/linux-x64-gnu, … */
export function prebuiltName(): string {
  return `@noether-ts/${platformName()}`;
}

/** The folder of the prebuilt package; undefined when it is not installed. */
export function prebuiltFolder(): string | undefined {
  try {
    return dirname(createRequire(join(packageRoot(), "package.json")).resolve(`${prebuiltName()}/package.json`));
  } catch {
    return undefined;
  }
}

/** Its addons by the minor version of libtorch, e.g. "2.13"; throws when the package is of another release. */
export function prebuiltAddons(folder: string): Map<string, string> {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  if (version !== packageVersion()) {
    const name = prebuiltName();
    throw new Error(
      `expected version ${packageVersion()} of ${name}, that of noether-ts, got ${version}; npm install ${name}@${packageVersion()}`,
    );
  }
  const folders = readdirSync(folder).filter((name) => name.startsWith("libtorch-"));
  return new Map(folders.map((name) => [name.slice("libtorch-".length), join(folder, name, "noether_native.node")]));
}

/** The addon for a libtorch folder; throws, saying why, when there is none. */
export function prebuiltAddonFor(prebuilt: string, libtorch: string): string {
  const addons = prebuiltAddons(prebuilt);
  const versions = [...addons.keys()].sort().join(", ");
  const version = torchVersion(libtorch);
  if (version === undefined) throw new Error(`expected a libtorch in ${libtorch}, found no version header there`);
  const addon = addons.get(version.split(".").slice(0, 2).join("."));
  if (addon === undefined)
    throw new Error(`expected libtorch ${versions}, for which there are addons, got ${version} in ${libtorch}`);
  return addon;
}

/** How the libraries of a libtorch were opened. */
export interface OpenedLibtorch {
  /** Why CUDA's half is not open; absent when it is. */
  readonly noCuda?: string;
}

/**
 * Opens the libraries of a libtorch by their path, for the life of the process. What the addon then needs is open already, so that the
 * dynamic linker searches nothing. Throws when the CPU's half does not open.
 */
export function openLibtorch(prebuilt: string, { path, source, variant }: LibtorchFolder): OpenedLibtorch {
  const library = join(prebuilt, "open_library.node");
  const { open } = createRequire(library)(library) as { readonly open: (path: string) => string | undefined };
  // it brings libc10 from its own folder; opened as one, a failure leaves nothing behind
  const failure = open(join(path, "lib", "libtorch_cpu.so"));
  if (failure !== undefined) throw new Error(failure);
  if (source === openInProcess) {
    return openLibtorchFile("libtorch_cuda") ? {} : { noCuda: "this process has opened libtorch without CUDA" };
  }
  const withCuda = `${setupCommand()}${isClone() ? " --" : ""} --variant cu130`;
  const chosen = process.env.NOETHER_VARIANT || variant;
  if (chosen === "cpu") {
    if (process.env.NOETHER_VARIANT) return { noCuda: "NOETHER_VARIANT=cpu asks for the CPU: unset it" };
    return { noCuda: `${source} chose libtorch without CUDA: ${withCuda} chooses it with CUDA` };
  }
  const cuda = join(path, "lib", "libtorch_cuda.so");
  if (!existsSync(cuda)) {
    return {
      noCuda: `libtorch in ${path} is a build without CUDA (no lib/libtorch_cuda.so): ${withCuda} fetches one with it`,
    };
  }
  if (chosen === undefined) {
    const noDriver = open("libcuda.so.1");
    if (noDriver !== undefined)
      return { noCuda: `there is no NVIDIA driver (${noDriver}): install one, then nvidia-smi lists the GPU` };
  }
  const broken = open(cuda);
  return broken === undefined
    ? {}
    : { noCuda: `CUDA's half of libtorch does not open (${broken}): ${withCuda} fetches one that does` };
}
