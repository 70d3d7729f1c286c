import type { KeyRow } from "../config/schema/key-table";

/** Columns of a help, and where the descriptions of options begin. */
const WIDTH = 80;
const INDENT = 24;

/** An option in a help: its name, and what it does in lines beside it, or below a long name. */
export function optionLine(name: string, does: string): string {
  const head = `  ${name}`;
  const lines = wrap(does, WIDTH - INDENT);
  const isShort = head.length <= INDENT - 2;
  const first = isShort ? `${head.padEnd(INDENT)}${lines[0]}` : head;
  if (does === "") return head;
  return [first, ...lines.slice(isShort ? 1 : 0).map((line) => " ".repeat(INDENT) + line)].join("\n");
}

/** Keys of a config in a help, each with its value and what it is. */
export function keyLines(rows: readonly KeyRow[]): string {
  return rows.map(({ key, value, does }) => optionLine(`${key} ${value}`, does)).join("\n");
}

function wrap(words: string, width: number): string[] {
  const lines = [""];
  for (const word of words.split(/\s+/)) {
    const line = lines[lines.length - 1]!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
