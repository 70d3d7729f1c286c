/** Loads mutations of a file and counts what comes of them, as JSON: `load.child.ts FILE FOLDER COUNT`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jit } from "../../../lib/torch";
import { mutate, randomFrom } from "../serialization/fuzz/mutations";

const [file = "", folder = "", count = "0"] = process.argv.slice(2);
const original = readFileSync(file);
const random = randomFrom(Number(process.env["NOETHER_FUZZ_SEED"] ?? 1));
const seen: Record<string, number> = {};
for (let i = 0; i < Number(count); i++) {
  const path = join(folder, "mutated.pt");
  writeFileSync(path, mutate(original, random, [original]));
  let outcome = "loaded";
  try {
    jit.load(path);
  } catch (error) {
    outcome = (error as Error).name;
  }
  seen[outcome] = (seen[outcome] ?? 0) + 1;
}
console.log(JSON.stringify(seen));
