/**
 * The device code of `native/src/cuda` on the CPU: compiled with a header that runs the lanes of a warp as coroutines, against plain
 * loops. It tells whether indices, bounds and exchanges between lanes are right, not how a GPU rounds or how fast it is.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "noether-emulation-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const compiler = process.env.CXX ?? "g++";
const canCompile = process.platform === "linux" && spawnSync(compiler, ["--version"]).status === 0;
if (!canCompile) console.log(`cuda-emulation: skipped, no ${compiler} on Linux`);

(canCompile ? test : test.skip).each(["neighbors", "rotary", "modulated_norm", "lion", "pool_segments"])(
  "%s: device code gives what plain loops give",
  (name) => {
    const program = join(folder, name);
    const source = join(__dirname, "cuda-emulation", `${name}.cpp`);
    const include = ["-I", join(__dirname, "cuda-emulation"), "-I", join(root, "native", "src")];
    const flags = ["-std=c++20", "-O1", "-ffp-contract=off", "-U_FORTIFY_SOURCE", "-Wall", "-Wextra", "-Werror"];
    execFileSync(compiler, [...flags, ...include, source, "-o", program], { stdio: ["ignore", "pipe", "pipe"] });
    expect(execFileSync(program, { encoding: "utf8" })).toBe("equal\n");
  },
);
