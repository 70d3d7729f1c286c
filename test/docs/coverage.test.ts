/** docs/coverage.md: what it says is here is exported, and every row says which. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as config from "../../lib/config";
import * as core from "../../lib/entries/core";
import * as data from "../../lib/data";
import * as inference from "../../lib/inference";
import * as initializers from "../../lib/initializers";
import * as modeling from "../../lib/modeling";
import * as torch from "../../lib/torch";
import * as training from "../../lib/training";

const root = join(__dirname, "..", "..");
const page = readFileSync(join(root, "docs", "coverage.md"), "utf8");
const exported: Readonly<Record<string, unknown>> = Object.assign(
  {},
  ...[torch, torch.amp, torch.optim, config, core, data, initializers, modeling, training, inference],
) as Record<string, unknown>;
/** Interfaces and other types: those that the declarations of the package have. */
const declared = new Set(
  ["core", "initializers", "modeling", "training"].flatMap(
    (entry) => readFileSync(join(root, "docs", "api", `${entry}.txt`), "utf8").match(/^\w+$/gm) ?? [],
  ),
);

/** `Name`, or `Class.member` of an instance or of the class. */
function isHere(name: string): boolean {
  if (name.startsWith("noether-")) return existsSync(join(root, "lib", "cli", `${name}.ts`));
  const [first, member] = name.split(".") as [string, string?];
  if (member === undefined) return first in exported || declared.has(first);
  const type = exported[first] as { prototype: object } | undefined;
  return type !== undefined && (member in type.prototype || member in type);
}

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
    expect(row[1]).toMatch(/^(– .{20,}|(`[\w.-]+`(, )?)+$)/);
  }
});

test.each([...new Set(names)])("%s is here", (name) => expect(isHere(name)).toBe(true));

/** Public names of the descriptions of the Python framework that these tables are of. */
const specified = JSON.parse(readFileSync(join(__dirname, "fixtures", "public-names.json"), "utf8")) as Record<
  string,
  string[]
>;
const there = new Set(
  rows.flatMap(([python]) =>
    [...python.matchAll(/`([^`]+)`/g)].map(([, name]) => name!.slice(name!.lastIndexOf(".") + 1)),
  ),
);

test.each(Object.entries(specified))("every public name of %s has its row", (_, expected) =>
  expect(expected.filter((name) => !there.has(name))).toEqual([]),
);
