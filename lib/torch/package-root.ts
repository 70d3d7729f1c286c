/** Where this package lies, and what its own machine is called. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

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

/** The version of this package. */
export function packageVersion(root = packageRoot()): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

/** True in a clone, which has the sources in TypeScript. */
export function isClone(root = packageRoot()): boolean {
  return existsSync(join(root, "lib"));
}

/** The command that sets noether-ts up here: a script of the clone, or a command of the installed package. */
export function setupCommand(root = packageRoot()): string {
  return isClone(root) ? "npm run setup" : "npx noether-ts setup";
}

/** `linux-x64-gnu`, `linux-x64-musl`, `darwin-arm64`: the name of the prebuilt package without its scope. */
export function platformName(): string {
  const libc = process.platform === "linux" ? (isMusl() ? "-musl" : "-gnu") : "";
  return `${process.platform}-${process.arch}${libc}`;
}

/** True on Linux without glibc (Alpine): libtorch has no build for it. */
export function isMusl(): boolean {
  if (process.platform !== "linux") return false;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}
