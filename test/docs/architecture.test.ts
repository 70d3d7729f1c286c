import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const pages = ["architecture.md", "folders.md", "extending.md"];
const page = pages.map((name) => readFileSync(join(root, "docs", name), "utf8")).join("\n");

/** Paths that the page names in code: from the root of the repository, or from a folder that is named before in the same cell. */
const paths = [...page.matchAll(/`((?:lib|native|scripts|test|docs|examples|benchmarks)\/[^`<>*$…\s]+?)`/g)].map(
  (match) => match[1]!,
);

test("the pages name paths", () => expect(paths.length).toBeGreaterThan(50));

test.each([...new Set(paths)])("%s exists", (path) => expect(existsSync(join(root, path))).toBe(true));

test.each(
  ["lib", "lib/core", "lib/config", "lib/data", "lib/modeling", "lib/training", "native/src"].flatMap((parent) =>
    readdirSync(join(root, parent))
      .filter((name) => statSync(join(root, parent, name)).isDirectory())
      .map((name) => [parent, name]),
  ),
)("%s/%s is on the page", (_parent, name) => expect(page).toMatch(new RegExp(`[/\`]${name}\\b`)));
