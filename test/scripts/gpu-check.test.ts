/** The check for a bare GPU machine, end to end on the CPU: its scripts are made and run without node_modules. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { tryLoadNative } from "../../lib/torch/loader";

const root = join(__dirname, "..", "..");

test("its scripts are made and pass on the CPU", () => {
  const NOETHER_NATIVE = tryLoadNative().attempts.at(-1)!.path;
  execFileSync(process.execPath, ["scripts/gpu/bundle.mjs", "--no-node"], { cwd: root, stdio: "pipe" });
  const printed = execFileSync("bash", ["scripts/gpu-check.sh", "cpu", "--no-benchmark"], {
    cwd: root,
    env: { ...process.env, NOETHER_NATIVE },
    encoding: "utf8",
  });
  expect(printed).toMatch(/^test\/golden\/golden\.test\.ts: \d\d+ passed, 0 failed/m);
  expect(printed).toMatch(/^\d{3,} passed, 0 failed, \d+ skipped$/m);
});
