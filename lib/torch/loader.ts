/**
 * Finds and loads the native addon, and keeps a trace of every attempt.
 *
 * Order: `NOETHER_NATIVE` (then nothing else is tried) → `native/build/Release` under the package root (what set-up
 * compiles) → the optional prebuilt package of this platform (`@noether-ts/linux-x64`, …). The trace is the error message
 * when all fail, and what `noether-ts doctor` prints.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { TorchError } from "./errors";
import type { NativeAddon } from "./native";

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

/** The folder of noether-ts' own package.json, from the sources (`lib/torch`) and from the built chunks (`dist`) alike. */
export function packageRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, "utf8")) as { name?: string }).name === "noether-ts")
      return folder;
    if (dirname(folder) === folder)
      throw new Error(`internal: expected noether-ts' package.json in a folder above ${__dirname}, found none`);
  }
}

/** The command that sets noether-ts up here: a script of the clone, or a command of the installed package. */
export function setupCommand(root = packageRoot()): string {
  return existsSync(join(root, "lib")) ? "npm run setup" : "npx noether-ts setup";
}

/** `linux-x64`, or `linux-x64-musl` where Node runs on musl: the name of the prebuilt package without its scope. */
export function platformName(): string {
  return `${process.platform}-${process.arch}${isMusl() ? "-musl" : ""}`;
}

/** True on Linux without glibc (Alpine): libtorch has no build for it. */
export function isMusl(): boolean {
  if (process.platform !== "linux") return false;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

/** Tries every place in order and stops at the first that loads. Never throws for a missing or broken addon. */
export function tryLoadNative(): LoadResult {
  const attempts: LoadAttempt[] = [];
  for (const candidate of candidates()) {
    const attempt = { source: candidate.source, path: candidate.path };
    try {
      const addon = open(candidate.path);
      attempts.push(attempt);
      return { addon, attempts };
    } catch (error) {
      attempts.push({ ...attempt, error: firstLine(error) });
    }
  }
  return { attempts };
}

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded on first use and kept for the life of the process.
 *
 * @throws {@link NativeLoadError} with the trace of every attempt and the commands to run next.
 */
export function loadNative(): NativeAddon {
  if (loaded) return loaded;
  const { addon, attempts } = tryLoadNative();
  if (!addon) throw new NativeLoadError(attempts);
  return (loaded = addon);
}

function candidates(): { source: string; path?: string }[] {
  const override = process.env.NOETHER_NATIVE;
  if (override) return [{ source: "NOETHER_NATIVE", path: resolve(override) }];
  return [
    {
      source: "compiled by set-up",
      path: join(packageRoot(), "native", "build", "Release", "noether_native.node"),
    },
    { source: `prebuilt package @noether-ts/${platformName()}`, path: prebuiltPath() },
  ];
}

function prebuiltPath(): string | undefined {
  try {
    return createRequire(join(packageRoot(), "package.json")).resolve(
      `@noether-ts/${platformName()}/noether_native.node`,
    );
  } catch {
    return undefined;
  }
}

function open(path: string | undefined): NativeAddon {
  if (path === undefined) throw new Error("not installed");
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
  if (/NOETHER_CPU_CAPABILITY/.test(failed))
    commands.push(["unset NOETHER_CPU_CAPABILITY", "let kernels use every instruction set that the CPU has"]);
  if (/LD_LIBRARY_PATH/.test(failed))
    commands.push(["unset LD_LIBRARY_PATH", "let the addon find the libtorch that it was compiled against"]);
  commands.push([setup, "finds or fetches libtorch and compiles the addon (CMake, a C++20 compiler)"]);
  commands.push([
    `LIBTORCH=/path/to/libtorch ${setup}`,
    "uses a libtorch that you have, e.g. the torch/ folder of a Python installation",
  ]);
  commands.push(["npx noether-ts doctor", "shows what was found and what is missing"]);
  const width = Math.max(...commands.map(([command]) => command.length));
  return commands.map(([command, purpose]) => `${command.padEnd(width)}    ${purpose}`);
}
