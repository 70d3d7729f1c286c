import { pyFloatRepr } from "../python-format";
import { Float, type Node } from "../yaml/nodes";

/** The text of a value inside a larger string: Python's `str`. */
export function pythonText(node: Node): string {
  if (node.type === "list") return `[${node.items.map(pythonRepr).join(", ")}]`;
  if (node.type === "map")
    return `{${[...node.entries].map(([key, value]) => `${stringRepr(key)}: ${pythonRepr(value)}`).join(", ")}}`;
  const { value } = node;
  if (value instanceof Float) return pyFloatRepr(value.value);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return String(value);
}

function pythonRepr(node: Node): string {
  return node.type === "scalar" && typeof node.value === "string" ? stringRepr(node.value) : pythonText(node);
}

/** Python's `repr` of a text. */
function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]|'/g, (character) =>
    character === "'" ? (quote === "'" ? "\\'" : "'") : (ESCAPES[character] ?? character),
  );
  return `${quote}${escaped}${quote}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
