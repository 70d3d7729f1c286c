import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const page = readFileSync(join(root, "docs", "differences.md"), "utf8");

/** What is not there: an exception of Python, a misspelt key, a domain of an example. */
const ABSENT = ["StopIteration", "use_bias", "rear_wing"];

/** Words of the sources: a name in code on the page is the name of something that is there. */
const words = new Set(
  readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".generated.ts"))
    .flatMap((file) => readFileSync(join(root, "lib", file), "utf8").match(/\w+/g) ?? []),
);

/** Class names, config keys and attributes in code: `RunLock`, `max_updates`, `trainer.initializer`, `drop_path: 0`. */
const names = [...page.matchAll(/`([^`]+)`/g)]
  .flatMap(
    ([, code]) => code!.match(/\b(?:[A-Za-z_][A-Za-z]*(?:_[A-Za-z]+)+|[a-z]+[A-Z]\w+|(?:[A-Z][a-z]+){2,}\w*)/g) ?? [],
  )
  .filter((name) => !ABSENT.includes(name));

test("the page names things", () => expect(new Set(names).size).toBeGreaterThan(80));

test.each([...new Set(names)])("%s exists", (name) => expect(words.has(name)).toBe(true));

test("every section is there once", () => {
  const sections = [...page.matchAll(/^## (.*)$/gm)].map((match) => match[1]!);
  expect(sections).toEqual([...new Set(sections)]);
  expect(sections).toContain("Data");
});

test("every row has both sides", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("|"));
  expect(rows.length).toBeGreaterThan(100);
  expect(rows.filter((row) => !/^\| ?[^|]+ ?\| ?[^|]+ ?\|$/.test(row))).toEqual([]);
});
