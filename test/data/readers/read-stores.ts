/** Reads the files that its argument names, and prints what is in them: run by stores.test.ts in a process of its own. */
import { readArrays } from "../../../lib/data/readers";
import { describeFields } from "./support";

async function main(): Promise<void> {
  const requests = JSON.parse(process.argv[2]!) as { path: string; names?: string[] }[];
  const outcomes: unknown[] = [];
  for (const { path, names } of requests) {
    try {
      const { numbers, texts } = describeFields(await readArrays(path, { names }));
      outcomes.push({ arrays: numbers, texts });
    } catch (error) {
      outcomes.push({ error: (error as Error).message });
    }
  }
  console.log(JSON.stringify(outcomes));
}

void main();
