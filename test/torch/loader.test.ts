import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NativeLoadError, packageRoot, platformName, setupCommand, tryLoadNative } from "../../lib/torch/loader";

const saved = process.env.NOETHER_NATIVE;
beforeEach(() => void delete process.env.NOETHER_NATIVE);
afterEach(() => {
  if (saved === undefined) delete process.env.NOETHER_NATIVE;
  else process.env.NOETHER_NATIVE = saved;
});

test("the package root is the folder of noether-ts' package.json", () => {
  expect(packageRoot()).toBe(join(__dirname, "..", ".."));
  expect(existsSync(join(packageRoot(), "native", "CMakeLists.txt"))).toBe(true);
});

test("NOETHER_NATIVE is the only attempt when it is set", () => {
  process.env.NOETHER_NATIVE = "/nowhere/addon.node";
  const { addon, attempts } = tryLoadNative();
  expect(addon).toBeUndefined();
  expect(attempts).toEqual([{ source: "NOETHER_NATIVE", path: "/nowhere/addon.node", error: "no such file" }]);
});

test("the error holds the trace and numbered next commands", () => {
  const error = new NativeLoadError([
    { source: "compiled by set-up", path: "/x.node", error: "libc10.so: cannot open shared object file" },
    { source: `prebuilt package @noether-ts/${platformName()}`, error: "not installed" },
  ]);
  expect(error.code).toBe("ERR_NATIVE_LOAD");
  expect(error.message).toContain("- compiled by set-up (/x.node): libc10.so: cannot open shared object file");
  expect(error.message).toContain(`- prebuilt package @noether-ts/${platformName()}: not installed`);
  expect(error.message).toMatch(/1\. npm run setup {2,}finds or fetches libtorch/);
});

test("set-up is a script in a clone and a command in an installed package, which has no lib folder", () => {
  expect(setupCommand()).toBe("npm run setup");
  const installed = mkdtempSync(join(tmpdir(), "noether-installed-"));
  try {
    expect(setupCommand(installed)).toBe("npx noether-ts setup");
  } finally {
    rmSync(installed, { recursive: true });
  }
});
