import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCsv } from "../../core/trackers/csv-text";
import { sanitize } from "../../io/redact";

/** The results of a sweep: overridden keys, status and metrics, a row a run. */
export interface SweepTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Reads the `results.csv` of a sweep. */
export async function readSweep(folder: string): Promise<SweepTable> {
  const [columns = [], ...rows] = parseCsv(sanitize(await readFile(join(folder, "results.csv"), "utf8")));
  return { columns, rows };
}
