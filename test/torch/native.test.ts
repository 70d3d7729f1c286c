/** `lib/torch/native.ts` describes what the addon exports: neither more nor less, and each group where it says. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { native } from "../../lib/torch/addon";

const root = join(__dirname, "..", "..");
const path = join(root, "lib", "torch", "native.ts");
const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);

/** The members of `NativeAddon`, each with the C++ files that the comment above its group names. */
function members(): { name: string; files: string[] }[] {
  const declaration = source.statements.find(
    (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === "NativeAddon",
  )!;
  let files: string[] = [];
  return declaration.members.map((member) => {
    const group = /\/\/ ---- [^(\n]*\(([^)]*)\)/.exec(member.getFullText());
    if (group) files = group[1]!.split(", ");
    return { name: (member.name as ts.Identifier).text, files };
  });
}

test("every member is a function of the addon, and the addon has no other", () => {
  const exported = Object.entries(native).filter(([, value]) => typeof value === "function");
  expect(
    members()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(exported.map(([name]) => name).sort());
  expect(exported).toHaveLength(Object.keys(native).length);
});

test("every member is defined in a file that its group names", () => {
  for (const { name, files } of members()) {
    expect(files).not.toEqual([]);
    const paths = files.map((file) => join(root, "native", "src", file));
    expect(paths.filter((file) => !existsSync(file))).toEqual([]);
    const text = paths.map((file) => readFileSync(file, "utf8")).join("\n");
    expect({ name, defined: text.includes(`"${name}"`) }).toEqual({ name, defined: true });
  }
});

test("the comments name C++ files that exist", () => {
  const named = source.text.match(/\b[a-z_]+(\/[a-z_]+)*\.(cpp|h)\b/g)!;
  const missing = named.filter((file) => !existsSync(join(root, "native", "src", file.replace(/^native\/src\//, ""))));
  expect(missing).toEqual([]);
});
