// Checks the package as npm would publish it: packs it, then publint (strict) and arethetypeswrong on the tarball.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Bytes of the packed package. */
const MOST_BYTES = 3e6;
const folder = mkdtempSync(join(tmpdir(), "noether-pack-"));
try {
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
  });
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(packed);
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`${filename}: ${megabytes(size)}, ${entryCount} files, ${megabytes(unpackedSize)} unpacked`);
  if (size > MOST_BYTES) {
    console.error(`expected a package of at most ${megabytes(MOST_BYTES)}: npm pack --dry-run says what is in it`);
    process.exitCode = 1;
  }
  const tarball = join(folder, filename);
  for (const [command, ...args] of [
    ["publint", "--strict", tarball],
    ["attw", tarball],
  ]) {
    const { status } = spawnSync("npx", ["--no-install", command, ...args], { cwd: root, stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
