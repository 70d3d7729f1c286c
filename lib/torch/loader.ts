/**
 * Finds and loads the native addon, and keeps a trace of every attempt.
 *
 * Order: `NOETHER_NATIVE` (then nothing else is tried) → `native/build/Release` under the package root (what set-up
 * compiles) → the optional prebuilt package of this platform (`@noether-ts/linux-x64-gnu`, …), with each libtorch that is found. The
 * trace is the error message when all fail, and what `noether-ts doctor` prints.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { TorchError } from "./errors";
import { libtorchFolders, type LibtorchFolder } from "./libtorch-folders";
import type { NativeAddon } from "./native";
import { isClone, isMusl, packageRoot, packageVersion, platformName, setupCommand } from "./package-root";
import { openLibtorch, prebuiltAddonFor, prebuiltFolder, prebuiltName, type OpenedLibtorch } from "./prebuilt";

export { isMusl, packageRoot, platformName, setupCommand };

/** One place that was tried, and how it went. */
export interface LoadAttempt {
  /** What was tried, as a person would name it: an environment variable, a path, a package. */
  readonly source: string;
  /** The file that was given to the dynamic linker; absent where none was found. */
  readonly path?: string;
  /** Why it failed; absent for the attempt that succeeded. */
  readonly error?: string;
}

/** The outcome of {@link tryLoadNative}: `addon` is there exactly when the last attempt has no `error`. */
export interface LoadResult {
  readonly addon?: NativeAddon;
  readonly attempts: readonly LoadAttempt[];
  /** Why a prebuilt addon runs without CUDA; absent when it has CUDA, and for an addon that was compiled here. */
  readonly noCuda?: string;
}

/** No addon could be loaded. `attempts` is the trace, the message holds the trace and the next commands. */
export class NativeLoadError extends TorchError {
  override readonly name = "NativeLoadError";
  readonly attempts: readonly LoadAttempt[];

  constructor(attempts: readonly LoadAttempt[]) {
    super(describeFailure(attempts), { code: "ERR_NATIVE_LOAD" });
    this.attempts = attempts;
  }
}

/** Tries every place in order and stops at the first that loads. Never throws for a missing or broken addon. */
export function tryLoadNative(): LoadResult {
  const attempts: LoadAttempt[] = [];
  for (const { source, path, libtorch, problem } of candidates()) {
    let attempt: LoadAttempt = { source, path };
    let opened: OpenedLibtorch | undefined;
    try {
      if (path === undefined) throw new Error(problem ?? "not installed");
      if (libtorch) {
        attempt = { source, path: prebuiltAddonFor(path, libtorch.path) };
        opened = openLibtorch(path, libtorch);
      }
      const addon = open(attempt.path ?? path);
      attempts.push(attempt);
      return { addon, attempts, noCuda: opened?.noCuda };
    } catch (error) {
      attempts.push({ ...attempt, error: firstLine(error) });
      if (opened) break; // a second libtorch beside the one that is open now would share parts with it
    }
  }
  return { attempts };
}

let loaded: LoadResult | undefined;

/**
 * The addon, loaded on first use and kept for the life of the process.
 *
 * @throws {@link NativeLoadError} with the trace of every attempt and the commands to run next.
 */
export function loadNative(): NativeAddon {
  loaded ??= tryLoadNative();
  if (loaded.addon) return loaded.addon;
  const { attempts } = loaded;
  loaded = undefined;
  throw new NativeLoadError(attempts);
}

/** Why the addon that is loaded runs without CUDA, as {@link LoadResult.noCuda}. */
export function whyNoCuda(): string | undefined {
  return loaded?.noCuda;
}

/** A place to try: an addon, or (with `libtorch`) the folder of the prebuilt package. */
interface Candidate {
  readonly source: string;
  readonly path?: string;
  readonly libtorch?: LibtorchFolder;
  /** Why there is no path. */
  readonly problem?: string;
}

function* candidates(): Generator<Candidate> {
  const override = process.env.NOETHER_NATIVE;
  if (override) {
    yield { source: "NOETHER_NATIVE", path: resolve(override) };
    return;
  }
  yield {
    source: "compiled by set-up",
    path: join(packageRoot(), "native", "build", "Release", "noether_native.node"),
  };
  const source = `prebuilt package ${prebuiltName()}`;
  const path = prebuiltFolder();
  if (path === undefined) {
    yield { source };
    return;
  }
  let found = false;
  for (const libtorch of libtorchFolders()) {
    found = true;
    yield { source: `${source}, libtorch in ${libtorch.path} (${libtorch.source})`, path, libtorch };
  }
  if (!found) yield { source, problem: "no libtorch was found" };
}

function open(path: string): NativeAddon {
  if (!existsSync(path)) throw new Error("no such file");
  const addon = createRequire(join(packageRoot(), "package.json"))(path) as NativeAddon;
  checkTorchVersion(addon);
  return addon;
}

/** The headers that the addon was compiled with and the library that the dynamic linker picked must be of one minor version. */
function checkTorchVersion(addon: NativeAddon): void {
  const compiled = addon.versions().torch;
  const running = /TORCH_VERSION=([\d.]+)/.exec(addon.config())?.[1] ?? compiled;
  if (minor(compiled) !== minor(running)) {
    const culprit = process.env.LD_LIBRARY_PATH
      ? ` (LD_LIBRARY_PATH=${process.env.LD_LIBRARY_PATH} comes before the addon's own path)`
      : "";
    throw new Error(
      `expected libtorch ${minor(compiled)}, which the addon was compiled against, but libtorch ${running} was loaded${culprit}`,
    );
  }
}

function minor(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function firstLine(error: unknown): string {
  return String((error as Error | undefined)?.message ?? error).split("\n")[0]!;
}

function describeFailure(attempts: readonly LoadAttempt[]): string {
  const lines = [
    `Expected noether-ts' native addon to load on ${platformName()}, Node ${process.versions.node}, but every attempt failed:`,
  ];
  for (const { source, path, error } of attempts)
    lines.push(`  - ${source}${path ? ` (${path})` : ""}: ${error ?? "loaded"}`);
  lines.push("What to do next:", ...nextCommands(attempts).map((command, index) => `  ${index + 1}. ${command}`));
  return lines.join("\n");
}

/** The commands that fix the usual causes, most likely first. */
export function nextCommands(attempts: readonly LoadAttempt[]): string[] {
  if (isMusl()) return ["run in an image with glibc (Debian, Ubuntu, …): libtorch has no build for musl"];
  const commands: [command: string, purpose: string][] = [];
  const failed = attempts.map(({ error }) => error ?? "").join("\n");
  const setup = setupCommand();
  if (process.env.NOETHER_NATIVE)
    commands.push(["unset NOETHER_NATIVE", "use the package's own addon instead of the one that the variable names"]);
  const replaced = /replaced (NOETHER_TILE_UNIT|NOETHER_CPU_CAPABILITY)/.exec(failed)?.[1];
  if (replaced !== undefined)
    commands.push([`unset ${replaced}`, "NOETHER_CPU has replaced it: name the highest instruction set there"]);
  else if (/\bNOETHER_CPU\b/.test(failed))
    commands.push(["unset NOETHER_CPU", "let kernels use every instruction set that the CPU has"]);
  if (/LD_LIBRARY_PATH/.test(failed))
    commands.push(["unset LD_LIBRARY_PATH", "let the addon find the libtorch that it was compiled against"]);
  if (process.env.LIBTORCH && /\(LIBTORCH\)/.test(attempts.map(({ source }) => source).join("\n")))
    commands.push(["unset LIBTORCH", "let another libtorch be found, or correct the path"]);
  const prebuilt = prebuiltFolder() !== undefined;
  if (!prebuilt && !isClone() && platformName() === "linux-x64-gnu")
    commands.push([
      `npm install ${prebuiltName()}@${packageVersion()}`,
      "brings the addon, so that no compiler is needed",
    ]);
  commands.push([
    setup,
    prebuilt
      ? "finds or fetches libtorch"
      : "finds or fetches libtorch and compiles the addon (CMake, a C++20 compiler)",
  ]);
  commands.push([
    `LIBTORCH=/path/to/libtorch ${setup}`,
    "uses a libtorch that you have, e.g. the torch/ folder of a Python installation",
  ]);
  commands.push(["npx noether-ts doctor", "shows what was found and what is missing"]);
  const width = Math.max(...commands.map(([command]) => command.length));
  return commands.map(([command, purpose]) => `${command.padEnd(width)}    ${purpose}`);
}
