// Builds the addon with AVX-512 and AMX in plain C++ (native/emulation) and runs the tests of kernels on it, once for each of these
// tiers: what is written for CPUs that this machine is not. Needs AVX2; far slower than the instructions.
//
//   node scripts/emulate.mjs [arguments of jest]        default: the tests of kernels, of golden cases and of nn
//   NOETHER_CASES=100 node scripts/emulate.mjs          so many random cases of each kind, in place of 20
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compileJobs, readBuildRecord, root } from "./libtorch.mjs";

const build = join(root, "native", "build", "emulation");

function run(command, args, env = {}) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  if (error) throw error;
  if (status !== 0) throw new Error(`emulate: ${command} ${args.join(" ")} ended with ${status}`);
}

const record = readBuildRecord();
if (!record?.libtorch) throw new Error("emulate: expected libtorch to be set up: run npm run setup first");

mkdirSync(build, { recursive: true });
run("cmake", ["-S", "native", "-B", build, `-DLIBTORCH=${record.libtorch}`, "-DNOETHER_EMULATION=ON"]);
run("cmake", ["--build", build, "--parallel", String(compileJobs())]);

const jest = join(root, "node_modules", "jest", "bin", "jest.js");
const asked = process.argv.slice(2);
const tests = asked.length > 0 ? asked : ["test/torch/[^/]*kernel", "test/golden", "test/torch/nn/linear-kernel"];
for (const tier of ["avx512", "avx512_bf16", "amx"]) {
  console.log(`\n${tier}, emulated`);
  run(process.execPath, [jest, "--runInBand", "--testTimeout=600000", ...tests], {
    NOETHER_NATIVE: join(build, "Release", "noether_native.node"),
    NOETHER_CPU: tier,
  });
}
