// Answers what binding.gyp asks: `path` of libtorch, `cuda` ("1" or "0"), `sources` and `rpath` (linker flags), one per line.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isSupported, libraryFolders, readBuildRecord, root, torchVersion } from "./libtorch.mjs";

/** LIBTORCH, else the one of the last set-up, else what fetch-libtorch.sh finds or downloads. */
function libtorchPath() {
  const known = process.env.LIBTORCH || readBuildRecord()?.libtorch;
  if (known && isSupported(torchVersion(known))) return known;
  if (process.env.LIBTORCH) {
    const found = torchVersion(process.env.LIBTORCH) ?? "none";
    throw new Error(
      `expected libtorch 2.11 to 2.14 in LIBTORCH=${process.env.LIBTORCH}, got version ${found}; unset it to have one found or fetched`,
    );
  }
  return execFileSync(join(root, "scripts", "fetch-libtorch.sh"), {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
}

const answers = {
  path: () => [libtorchPath()],
  cuda: () => [process.env.NOETHER_CUDA === "1" ? "1" : "0"],
  sources: () =>
    readdirSync(join(root, "native", "src"), { recursive: true })
      .filter((name) => name.endsWith(".cpp") && !name.startsWith("cuda/")) // a library of its own, built by CMake
      .map((name) => `native/src/${name}`),
  rpath: () => libraryFolders(libtorchPath(), readdirSync).map((folder) => `-Wl,-rpath,${folder}`),
};
console.log(answers[process.argv[2]]().join("\n"));
