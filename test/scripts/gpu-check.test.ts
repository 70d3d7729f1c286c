/** The check for a bare GPU machine, end to end on the CPU: its scripts are made and run without node_modules. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tryLoadNative } from "../../lib/torch/loader";

const root = join(__dirname, "..", "..");
// below the package, whose package.json the scripts look for, and where nothing is committed or packed
const bundle = mkdtempSync(join(root, "native", "build", "gpu-check-"));
afterAll(() => rmSync(bundle, { recursive: true }));

test("its scripts are made and pass on the CPU", () => {
  const env = { ...process.env, NOETHER_NATIVE: tryLoadNative().attempts.at(-1)!.path, BUNDLE: bundle };
  execFileSync(process.execPath, ["scripts/gpu/bundle.mjs", "--no-node"], { cwd: root, env, stdio: "pipe" });
  const check = ["scripts/gpu-check.sh", "cpu", "--no-benchmark"];
  const printed = execFileSync("bash", check, { cwd: root, env, encoding: "utf8" });
  expect(printed).toMatch(/^test\/golden\/golden\.test\.ts: \d\d+ passed, 0 failed/m);
  expect(printed).toMatch(/^\d{3,} passed, 0 failed, \d+ skipped$/m);
});
