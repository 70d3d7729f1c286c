/**
 * Simulates the bodies of the example and writes its data.
 *
 *     npx tsx examples/bluff-body/generate/generate.ts [--work DIR] [--jobs N] [--limit N]
 *
 * Finished cases stay in the work folder, so that an interrupted run goes on where it stopped.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allCases } from "./cases";
import { convert } from "./convert";
import { simulate } from "./simulate";
import { rowOf, tableOf, type Row } from "./table";

const DATA = join(__dirname, "../data");

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      work: { type: "string", default: join(tmpdir(), "bluff-body") },
      jobs: { type: "string", default: "2" },
      limit: { type: "string", default: "96" },
    },
  });
  const cases = allCases().slice(0, Number(values.limit));
  const rows = new Map<string, Row>();
  const queue = [...cases.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, { name, body }] = next;
      const folder = join(values.work, name);
      try {
        await simulate(folder, body);
        rows.set(name, rowOf(cases[index]!, folder));
        mkdirSync(join(DATA, name), { recursive: true });
        await convert(folder, join(DATA, name), body, { seed: index, averaged: rows.get(name)!["averaged"] === 1 });
        console.log(`${name}: ${JSON.stringify(rows.get(name))}`);
      } catch (error) {
        rows.delete(name);
        console.error(`${name} is left out: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  const table = cases.map(({ name }) => rows.get(name)).filter((entry) => entry !== undefined);
  if (table.length === 0) throw new Error("expected at least one case, got none");
  writeFileSync(join(DATA, "cases.csv"), tableOf(table));
}

void main();
