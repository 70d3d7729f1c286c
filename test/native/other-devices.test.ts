/**
 * Operators on tensors that do not lie in the memory of the host, on every machine: libtorch's PrivateUse1 as a device of the tests
 * (`test-device/test_device.cpp`), whose addresses nobody may touch. `test/cuda` has the device that users train on.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/small-run";
import { builtPackage } from "../support/child";

const root = join(__dirname, "..", "..");
const source = join(__dirname, "test-device", "test_device.cpp");
const { libtorch } = JSON.parse(readFileSync(join(root, "native/build/build-record.json"), "utf8")) as {
  libtorch: string;
};

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Compiles the device against the addon's libtorch, once for each state of its source. */
function device(): string {
  const key = createHash("sha256").update(readFileSync(source)).update(libtorch).digest("hex").slice(0, 16);
  const built = join(root, "native", "build", "test-device", key, "test_device.node");
  if (existsSync(built)) return built;
  mkdirSync(join(built, ".."), { recursive: true });
  const part = `${built}.${process.pid}`;
  const include = [
    join(libtorch, "include"),
    join(libtorch, "include/torch/csrc/api/include"),
    join(root, "node_modules/node-api-headers/include"),
  ].flatMap((path) => ["-isystem", path]);
  const library = join(libtorch, "lib");
  const linked = [`-L${library}`, "-lc10", "-ltorch_cpu", `-Wl,-rpath,${library}`];
  const undefinedSymbols = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  const options = ["-std=c++20", "-fPIC", "-shared", "-DNAPI_VERSION=8", ...undefinedSymbols];
  execFileSync(process.env.CXX ?? "c++", [...options, ...include, source, "-o", part, ...linked]);
  renameSync(part, built);
  return built;
}

test("operators, gradients, neighbour searches, files and an optimizer give the CPU's results", () => {
  const cases = join(__dirname, "test-device", "cases.ts");
  // in a process of its own: the device is there for all of it, and a fault ends it
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    ["--require", builtPackage, cases, device(), folder.path],
    { cwd: root, encoding: "utf8", env: { ...process.env, OMP_NUM_THREADS: "1", NODE_OPTIONS: "" } },
  );
  expect({ stdout, stderr, status, signal }).toEqual({
    stdout: expect.stringMatching(/^\d+ cases\n$/), // and no case that differs
    stderr: "",
    status: 0,
    signal: null,
  });
});
