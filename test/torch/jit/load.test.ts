/** Damaged files: a typed error, or a model that works; in a process of their own, where a crash would show. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { temporaryFolder } from "../../support/temporary-folder";
import { builtPackage } from "../../support/child";

const folder = temporaryFolder();

test.each(["scripted", "values"])("mutated files of %s", (name) => {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--require",
      builtPackage,
      join(__dirname, "load.child.ts"),
      join(__dirname, "fixtures", `${name}.torchscript`),
      folder.path,
      "300",
    ],
    { encoding: "utf8", timeout: 120_000 },
  );
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  const seen = JSON.parse(stdout) as Record<string, number>;
  const { loaded = 0, CheckpointError = 0, TorchError = 0, ...others } = seen;
  expect(others).toEqual({});
  expect(loaded + CheckpointError + TorchError).toBe(300);
  // most of a file's bytes matter
  expect(CheckpointError + TorchError).toBeGreaterThan(150);
});
