// ESLint rule: a file under lib/ imports from its own layer and from layers below it only (docs/architecture.md).
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const lib = join(dirname(fileURLToPath(import.meta.url)), "..", "lib");

/** From the top down; layers in one row don't know each other. `io` stands at the bottom: it imports nobody, everybody may import it. */
const rows = [
  ["cli"],
  ["index"],
  ["entries"],
  ["inference"],
  ["training"],
  ["data", "modeling"],
  ["initializers", "testing"],
  ["core"],
  ["config", "torch"],
  ["io"],
];
const rowOf = new Map(rows.flatMap((row, height) => row.map((layer) => [layer, height])));

function layerOf(file) {
  const [first] = relative(lib, file).split(sep);
  return first.replace(/\.ts$/, "");
}

function mayImport(from, to) {
  if (from === to) return true;
  return rowOf.get(from) < rowOf.get(to);
}

/** @type {import("eslint").Rule.RuleModule} */
export const layers = {
  meta: {
    type: "problem",
    messages: {
      up: 'Expected an import from "{{from}}" or a layer below it, got "{{to}}": move the shared part down, or pass it in from above.',
      unknown:
        'Expected a layer of docs/architecture.md, got the folder "{{layer}}": add it to scripts/eslint-layers.mjs.',
    },
    schema: [],
  },
  create(context) {
    if (relative(lib, context.filename).startsWith("..")) return {};
    const from = layerOf(context.filename);
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
      const target = resolve(dirname(context.filename), specifier);
      if (relative(lib, target).startsWith("..")) return;
      const to = layerOf(target) || "index";
      for (const layer of [from, to]) {
        if (!rowOf.has(layer)) return context.report({ node, messageId: "unknown", data: { layer } });
      }
      if (!mayImport(from, to)) context.report({ node, messageId: "up", data: { from, to } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
