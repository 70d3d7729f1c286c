// Makes the packages as npm publishes them, in packages/:
//
//   noether-ts-<version>.tgz                         dist/, the sources of the addon, set-up
//   noether-ts-linux-x64-gnu-<version>.tgz           the addon, compiled for each minor version of libtorch; an optional dependency of the first
//
//   node scripts/package.mjs [--versions 2.13.0,2.14.0] [--variant cpu|cu130] [--libtorch DIR ...] [--out packages]
//
// --libtorch gives a folder to compile against; for each version that none is given for, fetch-libtorch.sh finds or fetches one.
// CUDA's kernels (libnoether_cuda.so) are compiled where that libtorch has CUDA and nvcc is found (CUDA_HOME); the addon is the same.
// With fewer than all versions the second package has fewer addons: for trying things out.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { portabilityProblems } from "./binaries.mjs";
import { root, torchVersion } from "./libtorch.mjs";

/** The first patch release of each minor: what it has, the later ones have. */
const allVersions = ["2.11.0", "2.12.0", "2.13.0", "2.14.0"];

const { values: options } = parseArgs({
  options: {
    versions: { type: "string", default: allVersions.join(",") },
    variant: { type: "string", default: "cpu" },
    libtorch: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: join(root, "packages") },
  },
});
const out = resolve(options.out);
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const prebuilt = { name: "@noether-ts/linux-x64-gnu", os: ["linux"], cpu: ["x64"], libc: ["glibc"] };

const minor = (version) => version.split(".").slice(0, 2).join(".");
const write = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
const run = (command, args, extra) => execFileSync(command, args, { cwd: root, stdio: "inherit", ...extra });

/** Calls `fill` with an empty folder and packs what it put there. */
function pack(fill) {
  const folder = mkdtempSync(join(tmpdir(), "noether-package-"));
  try {
    fill(folder);
    const packed = run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", out], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8",
    });
    const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(packed);
    const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
    console.log(
      `package: ${join(out, filename)}: ${megabytes(size)}, ${megabytes(unpackedSize)} unpacked, ${entryCount} files`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// ---- the main package: the files of package.json's list, and the optional dependency, which the repository's own package.json cannot
// have: npm would look for a version that is not published yet

function packMain() {
  run(process.execPath, [join(root, "scripts", "build.mjs")]);
  const listed = JSON.parse(
    run("npm", ["pack", "--json", "--dry-run", "--ignore-scripts"], { stdio: "pipe", encoding: "utf8" }),
  );
  pack((folder) => {
    for (const { path } of listed[0].files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      copyFileSync(join(root, path), join(folder, path));
    }
    const { scripts: _, devDependencies: __, overrides: ___, ...rest } = manifest;
    write(join(folder, "package.json"), { ...rest, optionalDependencies: { [prebuilt.name]: manifest.version } });
  });
}

// ---- the addons

function libtorchFor(version) {
  const given = options.libtorch.find((folder) => minor(torchVersion(folder) ?? "") === minor(version));
  if (given !== undefined) return resolve(given);
  const { LIBTORCH: _, ...env } = process.env; // it names one version, and this needs several
  const fetched = run(
    join(root, "scripts", "fetch-libtorch.sh"),
    ["--version", version, "--variant", options.variant],
    {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8",
      env,
    },
  );
  return fetched.trim();
}

/** Compiles for one version; returns the folder of the binaries. What was compiled before is kept and brought up to date. */
function compile(version) {
  const libtorch = libtorchFor(version);
  console.log(`package: compiling for libtorch ${torchVersion(libtorch)} in ${libtorch}`);
  const require = createRequire(join(root, "package.json"));
  const cmakeJs = join(dirname(require.resolve("cmake-js/package.json")), "bin", "cmake-js");
  const build = join(root, "native", "build", "packages", minor(version));
  const common = ["--log-level", "warn", "-d", "native", "-O", build];
  run(process.execPath, [cmakeJs, "configure", ...common, `--CDLIBTORCH=${libtorch}`, "--CDNOETHER_PREBUILT=ON"]);
  run(process.execPath, [cmakeJs, "build", ...common, "--parallel", String(availableParallelism())]);
  return join(build, "Release");
}

function packPrebuilt(versions) {
  const builds = new Map(versions.map((version) => [version, compile(version)]));
  pack((folder) => {
    for (const [version, build] of builds) {
      const target = join(folder, `libtorch-${minor(version)}`);
      mkdirSync(target);
      // libtorch.so: for packages of AOTInductor, see native/CMakeLists.txt
      for (const name of ["noether_native.node", "libtorch.so", "libnoether_cuda.so"]) {
        if (existsSync(join(build, name))) addBinary(join(build, name), join(target, name));
      }
    }
    addBinary(join([...builds.values()].at(-1), "open_library.node"), join(folder, "open_library.node"));
    for (const name of ["LICENSE", "NOTICE"]) cpSync(join(root, name), join(folder, name));
    const list = versions.map(minor).join(", ");
    const description = `The native addon of noether-ts for Linux x64 with glibc 2.28 or newer, compiled for libtorch ${list}.`;
    writeFileSync(
      join(folder, "README.md"),
      `# ${prebuilt.name}\n\n${description}\nIt is an optional dependency of noether-ts, which loads it; there is nothing to import.\n`,
    );
    const { version, license, engines } = manifest;
    const files = ["libtorch-*/**", "open_library.node", "NOTICE"];
    write(join(folder, "package.json"), {
      ...{ name: prebuilt.name, version, description, license },
      ...{ os: prebuilt.os, cpu: prebuilt.cpu, libc: prebuilt.libc, engines, files },
      ...{ preferUnplugged: true, publishConfig: { access: "public" } },
    });
  });
}

function addBinary(from, to) {
  run("strip", ["--strip-unneeded", "-o", to, from]);
  const problems = portabilityProblems(to);
  if (problems.length === 0) return;
  throw new Error(
    `expected binaries that run with glibc 2.28, but\n  ${problems.join("\n  ")}\n` +
      "a function of a newer glibc is called through native/prebuilt/older_systems.c and named in native/prebuilt/prebuilt.cmake",
  );
}

if (process.platform !== "linux" || process.arch !== "x64") throw new Error("the packages are made on Linux x64");
if (spawnSync("readelf", ["--version"], { stdio: "ignore" }).status !== 0)
  throw new Error("expected readelf and strip on the PATH (Debian: apt-get install binutils)");
const versions = options.versions.split(",");
const unknown = versions.filter((version) => !allVersions.map(minor).includes(minor(version)));
if (unknown.length > 0) throw new Error(`expected --versions of ${allVersions.join(", ")}, got ${unknown.join(", ")}`);
mkdirSync(out, { recursive: true });
packMain();
packPrebuilt(versions);
