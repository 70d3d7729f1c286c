/** docs/configs: every class that a config can name is there, with each of its keys. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import "../../lib";
import { findKind, registeredKinds } from "../../lib/config/registry";
import { type AnyConfigClass, type Fields, isConfigClass } from "../../lib/config/schema";

const folder = join(__dirname, "..", "..", "docs", "configs");
const sections = new Map(
  readdirSync(folder)
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split(/^## /m).slice(1))
    .map((text): [string, string] => [text.split("\n")[0]!, text]),
);

const classes = new Set<AnyConfigClass>();
for (const kind of registeredKinds()) {
  const schema = findKind(kind)?.schema;
  if (schema !== undefined && isConfigClass(schema)) classes.add(schema);
}

/** The section of a class; of several with its name, the one whose title has its kind. */
function sectionOf(type: AnyConfigClass): string {
  const own = sections.get(type.configName);
  const titles = [...sections.keys()].filter((title) => title.startsWith(`${type.configName} (`));
  return (
    own ??
    sections.get(
      titles.find((title) => findKind(title.slice(type.configName.length + 2, -1))?.schema === type) ?? "",
    ) ??
    ""
  );
}

/** What the pages say of a class and of those that it extends. */
function everythingAbout(type: AnyConfigClass): string {
  return sectionOf(type) + (type.parent === undefined ? "" : everythingAbout(type.parent));
}

test("there are classes", () => expect(classes.size).toBeGreaterThan(80));

test.each([...classes].map((type) => [type.configName, type] as const))(
  "%s is there with all its keys",
  (_name, type) => {
    expect(sectionOf(type)).not.toBe("");
    const text = everythingAbout(type);
    expect(Object.keys(type.fields as Fields).filter((key) => !text.includes(`| \`${key}\` |`))).toEqual([]);
  },
);

test("types, bounds and defaults are those of the schema", () => {
  expect(sections.get("ConfigSchema")).toMatch(/^\| `development_batch_size` \| integer ≥ 1 \| `2` \|/m);
  expect(sections.get("BaseTrainerConfig")).toMatch(/^\| `effective_batch_size` \| integer \| needed \|/m);
  expect(sections.get("TransformerBlockConfig")).toMatch(/^\| `drop_path` \| number ≥ 0 and ≤ 1 \| `0` \|/m);
});

test("every key says what it does", () => {
  const silent = [...sections].flatMap(([title, text]) =>
    text.split("\n").flatMap((row) => (/^\| `.*\| {2}\|$/.test(row) ? [`${title}: ${row.split("|")[1]!.trim()}`] : [])),
  );
  expect(silent).toEqual([]);
});
