/** Reads the CGNS files that its argument names, and prints what is in them: run by cgns.test.ts in a process of its own. */
import { readMesh, type Mesh, type ReadOptions } from "../../../lib/data/readers";
import { describeMesh, type Described } from "./support";

function describeAll(mesh: Mesh): Described {
  const blocks = [...mesh.blocks].map(([name, block]) => [name, describeAll(block)]);
  return { ...describeMesh(mesh), blocks: Object.fromEntries(blocks) as Record<string, Described> };
}

async function main(): Promise<void> {
  const requests = JSON.parse(process.argv[2]!) as { path: string; options?: ReadOptions }[];
  const outcomes: unknown[] = [];
  for (const { path, options } of requests) {
    try {
      outcomes.push({ mesh: describeAll(await readMesh(path, options)) });
    } catch (error) {
      outcomes.push({ error: `${(error as Error).constructor.name}: ${(error as Error).message}` });
    }
  }
  console.log(JSON.stringify(outcomes));
}

void main();
