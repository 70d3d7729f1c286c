import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const folder = join(root, "docs", "differences");
const pages = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")] as const);
const front = readFileSync(join(root, "docs", "differences.md"), "utf8");
const everything = [front, ...pages.map(([, text]) => text)].join("\n");

/** What is not there: an exception of Python, a misspelt key, a domain of an example. */
const ABSENT = ["StopIteration", "use_bias", "rear_wing"];

/** Words of the sources: a name in code on the page is the name of something that is there. */
const words = new Set(
  readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".generated.ts"))
    .flatMap((file) => readFileSync(join(root, "lib", file), "utf8").match(/\w+/g) ?? []),
);

/** Class names, config keys and attributes in code: `RunLock`, `max_updates`, `trainer.initializer`, `drop_path: 0`. */
const names = [...everything.matchAll(/`([^`]+)`/g)]
  .flatMap(
    ([, code]) => code!.match(/\b(?:[A-Za-z_][A-Za-z]*(?:_[A-Za-z]+)+|[a-z]+[A-Z]\w+|(?:[A-Z][a-z]+){2,}\w*)/g) ?? [],
  )
  .filter((name) => !ABSENT.includes(name));

test("the pages name things", () => expect(new Set(names).size).toBeGreaterThan(80));

test.each([...new Set(names)])("%s exists", (name) => expect(words.has(name)).toBe(true));

test.each(pages.map(([name]) => [name]))("the first page leads to %s", (name) => {
  expect(front).toContain(`(differences/${name})`);
});

test.each([...pages, ["differences.md", front] as const])("every row of %s has all its sides", (_name, text) => {
  const tables = text
    .trim()
    .split(/\n{2,}/)
    .filter((block) => block.startsWith("|"));
  expect(tables.length).toBeGreaterThan(0);
  for (const table of tables) {
    const columns = table.split("\n").map((row) => row.split("|").length);
    expect(new Set(columns).size).toBe(1);
  }
});

test("no difference stands twice", () => {
  const rows = pages.flatMap(([, text]) =>
    text.split("\n").filter((line) => line.startsWith("| ") && !/^\| Python/.test(line)),
  );
  expect(rows.length).toBeGreaterThan(200);
  expect(rows.filter((row, index) => rows.indexOf(row) !== index)).toEqual([]);
});
