import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sanitize } from "../../io/redact";

/** The results of a sweep: overridden keys and metrics, a row a run. */
export interface SweepTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Most bytes of a table that are shown. */
const LARGEST = 16 * 2 ** 20;

/** Reads the `results.csv` of a sweep. */
export async function readSweep(folder: string): Promise<SweepTable> {
  const text = sanitize((await readFile(join(folder, "results.csv"), "utf8")).slice(0, LARGEST));
  const [columns = [], ...rows] = parseCsv(text);
  return { columns, rows };
}

/** The cells of a CSV text (RFC 4180). */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /("(?:[^"]|"")*"?|[^",\r\n]*)(,|\r?\n|$)/gy;
  while (cell.lastIndex < text.length) {
    const [, content = "", end] = cell.exec(text) ?? [];
    if (end === undefined) {
      cell.lastIndex++; // behind the quotes of a damaged cell
      continue;
    }
    row.push(content.startsWith('"') ? content.slice(1).replace(/"$/, "").replaceAll('""', '"') : content);
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push([...row, ""]);
  return rows.filter((cells) => cells.some((text) => text !== ""));
}
