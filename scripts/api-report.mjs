// Writes docs/api/<entry>.txt: every public export of an entry of the package with its declaration, so that a change of the API is seen
// in a review. Works on the declarations of dist/ (npm run build).
//
//   node scripts/api-report.mjs [--check]
//
// Operators that are generated are counted only: docs/operators.md lists them, from the same source.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "docs", "api");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const entries = Object.entries(manifest.exports)
  .filter(([, entry]) => typeof entry === "object")
  .map(([name, entry]) => ({ name: name.replace(/^\.\/?/, "") || "index", file: join(root, entry.require.types) }));
const missing = entries.filter(({ file }) => !existsSync(file));
if (missing.length > 0) throw new Error(`expected ${missing[0].file}: npm run build`);

const program = ts.createProgram(
  entries.map(({ file }) => file),
  {
    ...{ skipLibCheck: true, noEmit: true, types: ["node"], target: ts.ScriptTarget.ES2022 },
    ...{ module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  },
);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });
const ownEntry = new Map(entries.map(({ name, file }) => [file, name]));

const isGenerated = (declaration) => declaration.getSourceFile().fileName.endsWith(".generated.d.ts");
const isOurs = (declaration) => declaration.getSourceFile().fileName.startsWith(`${join(root, "dist")}/`);

/** A declaration on one line, without what only the class itself sees. TypeScript orders unions by when it met their members, not here. */
function textOf(declaration) {
  const whole = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const node = ts.isClassDeclaration(whole)
    ? ts.factory.updateClassDeclaration(
        ...[whole, whole.modifiers, whole.name, whole.typeParameters, whole.heritageClauses],
        whole.members.filter((member) => !isPrivate(member)),
      )
    : whole;
  return printer
    .printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile())
    .replace(/^export (?:declare )?|^declare /, "")
    .replace(/\n\s*/g, "\n  ")
    .replace(/\n {2}\}$/, "\n}")
    .replace(/(?:"[^"\n]*" \| )+"[^"\n]*"/g, (union) => union.split(" | ").sort().join(" | "));
}

/** Types of config classes spell out all that they hold: their own fields, and a hash of the rest. */
function shortened(text) {
  if (!text.startsWith("const ") || text.length < 1500) return text;
  const names = [];
  let depth = 0;
  for (const line of text.split("\n")) {
    const name = /^\s*(\w+): /.exec(line)?.[1];
    if (depth === 1 && name !== undefined) names.push(name);
    for (const char of line) depth += char === "{" ? 1 : char === "}" ? -1 : 0;
  }
  const head = text.slice(0, text.indexOf("{")).replaceAll(/import\("[^"]*"\)\./g, "");
  const parts = text.match(/[\w$]+|\S/g).sort(); // as above
  const hash = createHash("sha256").update(parts.join(" ")).digest("hex").slice(0, 12);
  return `${head}{ ${names.join(", ")} }…\n  whole declaration: sha256 ${hash}`;
}

function isPrivate(member) {
  const name = member.name;
  if (name !== undefined && ts.isPrivateIdentifier(name)) return true;
  return (ts.getModifiers(member) ?? []).some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);
}

/** What a module exports, by name; modules in it come after its own names. */
function report(module, path, self, seen) {
  const lines = [];
  let generated = 0;
  const nested = [];
  const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const exported of symbols) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const name = [...path, exported.name].join(".");
    const declarations = symbol.declarations ?? [];
    const file = declarations.find(ts.isSourceFile)?.fileName;
    if (file !== undefined) {
      const entry = ownEntry.get(file);
      if (entry !== undefined && entry !== self) lines.push(`${name}: the entry ${manifest.name}/${entry}`);
      else if (seen.has(file)) lines.push(`${name}: as above`);
      else nested.push([symbol, [...path, exported.name], file]);
      continue;
    }
    const own = declarations.filter((each) => !isGenerated(each));
    generated += own.length === 0 ? 1 : 0;
    const texts = own.map((each) =>
      isOurs(each)
        ? textOf(each)
        : `${name}: of ${relative(root, each.getSourceFile().fileName).replace(/^node_modules\//, "")}`,
    );
    for (const text of new Set(texts.map(shortened))) lines.push(`${name}\n  ${text.replaceAll("\n", "\n  ")}`);
  }
  if (generated > 0) lines.push(`${[...path, "*"].join(".")}: ${generated} generated names`);
  for (const [symbol, inner, file] of nested) lines.push(...report(symbol, inner, self, new Set([...seen, file])));
  return lines;
}

const isCheck = process.argv.includes("--check");
mkdirSync(folder, { recursive: true });
const wanted = new Set();
for (const { name, file } of entries) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  const lines = report(module, [], name, new Set([file]));
  const text = `Public API of ${manifest.name}${name === "index" ? "" : `/${name}`}. Written by \`npm run api\`.\n\n${lines.join("\n")}\n`;
  const target = join(folder, `${name}.txt`);
  wanted.add(`${name}.txt`);
  if (!isCheck) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
    const before = new Set(existsSync(target) ? readFileSync(target, "utf8").split("\n") : []);
    const after = new Set(text.split("\n"));
    const changed = [
      ...[...before].filter((line) => !after.has(line)).map((line) => `- ${line}`),
      ...[...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
    ];
    console.error(
      `${relative(root, target)} is not the public API: npm run api, and look at what changes\n${changed.slice(0, 20).join("\n")}`,
    );
    process.exitCode = 1;
  }
}
for (const name of readdirSync(folder).filter((each) => !wanted.has(each))) {
  if (isCheck) {
    console.error(`docs/api/${name} is of no entry: npm run api`);
    process.exitCode = 1;
  } else rmSync(join(folder, name));
}
