import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot, project as circles, runCli } from "./cli/run-cli";

/** The callback that docs/your-own-callback.md shows, in a project that has the data and the model for it. */
const page = readFileSync(join(packageRoot, "docs", "your-own-callback.md"), "utf8");
const source = /```ts\n\/\/ error-quantile\.ts\n([\s\S]*?)```/.exec(page)![1]!;

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "noether-page-"));
  cpSync(circles, project, { recursive: true });
  writeFileSync(join(project, "error-quantile.ts"), source);
});
afterAll(() => rmSync(project, { recursive: true }));

const train = (keys: string) =>
  runCli(
    "noether-train",
    [
      "configs/train.yaml",
      `trainer.callbacks=[{kind: ./error-quantile.ts#ErrorQuantileCallback, dataset_key: test, every_n_epochs: 1, ${keys}}]`,
    ],
    project,
  );

test("runs, and its metric is in the line of progress", () => {
  const { code, stderr } = train("quantile: 0.5");
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(/epoch 2\/2 .* error_quantile\/test (0|0\.5|1) /);
});

test("its keys are checked before the run starts", () => {
  const { code, stderr } = train("quantile: 2, quantil: 1");
  expect(code).toBe(1);
  expect(stderr).toMatch(/callbacks\.0\.quantile: expected .* 1/);
  expect(stderr).toMatch(/quantil.*quantile/);
});
