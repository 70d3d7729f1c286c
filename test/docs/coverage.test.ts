/** docs/coverage.md: what it says is here is exported, and every row says which. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as config from "../../lib/config";
import * as core from "../../lib/entries/core";
import * as inference from "../../lib/inference";
import * as initializers from "../../lib/initializers";
import * as torch from "../../lib/torch";
import * as training from "../../lib/training";

const root = join(__dirname, "..", "..");
const page = readFileSync(join(root, "docs", "coverage.md"), "utf8");
const exported = new Set(
  [torch, torch.amp, torch.optim, config, core, initializers, training, inference].flatMap((entry) =>
    Object.keys(entry),
  ),
);

const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| Python framework"))
  .map((line) => line.slice(2, -2).split(" | ") as [python: string, here: string]);
const names = rows
  .filter(([, here]) => !here.startsWith("– "))
  .flatMap(([, here]) => [...here.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));

test("every row has both sides, and a name or a reason", () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) {
    expect([row, row.length]).toEqual([row, 2]);
    expect(row[1]).toMatch(/^(– .{20,}|(`[\w-]+`(, )?)+$)/);
  }
});

test.each([...new Set(names)])("%s is here", (name) =>
  expect(name.startsWith("noether-") ? existsSync(join(root, "lib", "cli", `${name}.ts`)) : exported.has(name)).toBe(
    true,
  ),
);
