import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { tryLoadNative } from "../../lib/torch/loader";

/** The addon that this process uses. */
function addonPath(): string {
  const { attempts } = tryLoadNative();
  return attempts.at(-1)!.path!;
}

test("wrong, missing, extra, foreign and disposed arguments of every operator throw and never crash", () => {
  const child = spawnSync(process.execPath, [join(__dirname, "operator-arguments.child.cjs"), addonPath()], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    timeout: 110_000,
  });
  const lines = child.stdout.trimEnd().split("\n");
  const last = lines.at(-1)!;
  if (child.status !== 0)
    throw new Error(
      `the process ended with ${child.signal ?? child.status} in ${last}: ${child.stderr.slice(0, 2000)}`,
    );
  const { calls, failures } = JSON.parse(last) as { calls: number; failures: string[] };
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(50_000);
}, 120_000);
