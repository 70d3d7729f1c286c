/**
 * Simulates the heatsinks of the example and writes its data.
 *
 *     npx tsx examples/heatsink/generate/generate.ts [--work DIR] [--limit N]
 *
 * Finished cases stay in the work folder, so that an interrupted run goes on where it stopped.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allCases, RANGES } from "./cases";
import { keep, simulate } from "./simulate";

const DATA = join(__dirname, "../data");

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      work: { type: "string", default: join(tmpdir(), "heatsink") },
      limit: { type: "string", default: "60" },
    },
  });
  const cases = allCases().slice(0, Number(values.limit));
  for (const { name, heatsink } of cases) {
    await simulate(join(values.work, name), heatsink);
    keep(join(values.work, name), join(DATA, name));
    console.log(`${name}: ${JSON.stringify(heatsink)}`);
  }
  const parameters = Object.keys(RANGES) as (keyof typeof RANGES)[];
  const rows = cases.map(({ name, heatsink }) => [name, ...parameters.map((parameter) => heatsink[parameter])]);
  mkdirSync(DATA, { recursive: true });
  writeFileSync(
    join(DATA, "cases.csv"),
    [["case", ...parameters], ...rows].map((row) => `${row.join(",")}\n`).join(""),
  );
}

void main();
