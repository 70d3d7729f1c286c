/**
 * Runs the tests of random cases of the CPU kernels against float64, once for each tier that this CPU has.
 *
 *   npm run test:kernels [-- --cases 10000] [--tiers avx2,aten] [--only matmul|attention]
 *
 * Ten thousand cases an operation, type and kernel take hours of attention; nothing of it is in `npm test`, which runs twenty.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: { cases: { type: "string", default: "10000" }, tiers: { type: "string" }, only: { type: "string" } },
});
if (!/^[1-9]\d*$/.test(options.cases)) throw new Error(`expected a number of cases in --cases, got "${options.cases}"`);
const operations = ["matmul", "attention"];
if (options.only !== undefined && !operations.includes(options.only))
  throw new Error(`expected ${operations.join(" or ")} in --only, got "${options.only}"`);

const names = ["aten", "avx2", "avx512", "avx512_bf16", "amx"];
const require = createRequire(import.meta.url);
const addon = process.env.NOETHER_NATIVE ?? join(root, "native/build/Release/noether_native.node");
const highest = require(addon).cpuKernels().capability;
// From what this process may use downwards; the environment's NOETHER_CPU is its limit.
const own = names.slice(0, names.indexOf(highest) + 1).reverse();
const tiers = options.tiers?.split(",") ?? own;
const missing = tiers.filter((tier) => !own.includes(tier));
if (missing.length > 0)
  throw new Error(`expected tiers that this CPU has in --tiers (${own.join(", ")}), got ${missing.join(", ")}`);

const jest = join(dirname(require.resolve("jest/package.json")), "bin/jest.js");
const files = (options.only === undefined ? operations : [options.only]).map(
  (name) => `test/torch/${name}-kernel-cases`,
);
for (const tier of tiers) {
  console.log(`\n${tier}: ${options.cases} cases`);
  const { status } = spawnSync(
    process.execPath,
    [jest, "--runInBand", "--verbose", "--testTimeout", String(2 ** 31 - 1), ...files],
    { cwd: root, stdio: "inherit", env: { ...process.env, NOETHER_CPU: tier, NOETHER_CASES: options.cases } },
  );
  if (status !== 0) process.exitCode = 1;
}
