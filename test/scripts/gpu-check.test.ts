/** The check for a bare GPU machine, end to end on the CPU: its scripts are made and run without node_modules. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
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

test("a test that ends its process, or leaves the device in an error, fails alone", () => {
  const outfile = join(bundle, "some.js");
  const contents = `
      import { file, run } from ${JSON.stringify(join(root, "scripts/gpu/globals.ts"))};
      let spoilt = false;
      file("some", () => {
        test("first", () => expect(1).toBe(1));
        test("aborts", () => process.abort());
        describe("group", () => {
          test("spoils", () => { spoilt = true; throw new Error("CUDA error: an illegal memory access was encountered"); });
          test("last", () => expect(spoilt).toBe(false));
        });
      });
      file("unreadable", () => { throw new Error("cannot be read"); });
      void run();`;
  buildSync({ stdin: { contents, resolveDir: root, loader: "ts" }, outfile, bundle: true, platform: "node" });
  const { stdout, status } = spawnSync(process.execPath, [outfile], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stdout).toMatch(/^FAILED {2}some › aborts\n {4}the process ended with SIGABRT/m);
  expect(stdout).toMatch(/^FAILED {2}some › group › spoils\n {4}Error: CUDA error: an illegal/m);
  expect(stdout).toMatch(/^some: 2 passed, 2 failed/m);
  expect(stdout).toMatch(/^FAILED {2}unreadable\n {4}the process ended with code 1/m);
  expect(stdout).toMatch(/^2 passed, 3 failed, 0 skipped$/m);
});
