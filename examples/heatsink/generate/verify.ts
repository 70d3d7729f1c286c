/**
 * Compares OpenFOAM with the fin equation, and the meshes of a few heatsinks with ones of half their edges.
 *
 *     npx tsx examples/heatsink/generate/verify.ts [--work DIR]
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readMesh, type Mesh } from "../../../lib/data/readers";
import { relativeError } from "../../bluff-body/faces";
import { KdTree } from "../../bluff-body/kd-tree";
import { allCases } from "./cases";
import { FIN, finTemperature } from "./fin";
import { simulate } from "./simulate";

const temperatures = (mesh: Mesh) => mesh.cellData.field("T").values as Float64Array;
const middles = (mesh: Mesh) => mesh.cellData.field("C").values as Float64Array;

/** Largest difference between the means of a fin's sections and the fin equation, relative to the latter. */
export function differenceFromFinEquation(mesh: Mesh): number {
  const sections = new Map<number, number[]>();
  const heights = middles(mesh).filter((_, i) => i % 3 === 2);
  for (const [cell, value] of temperatures(mesh).entries()) {
    const height = Math.round(heights[cell]! * 1e6) / 1e6; // files have six digits
    sections.set(height, [...(sections.get(height) ?? []), value]);
  }
  // equal cells: their mean is that of the section
  const differences = [...sections].map(([height, values]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Math.abs(mean / finTemperature(FIN, height) - 1);
  });
  return Math.max(...differences);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { work: { type: "string", default: join(tmpdir(), "heatsink") } } });
  const solve = async (...[name, heatsink, refinement]: [string, typeof FIN, number?]) => {
    const folder = join(values.work, name);
    await simulate(folder, heatsink, refinement);
    return readMesh(folder, { fields: ["T", "C"] });
  };
  for (const refinement of [1, 2]) {
    const difference = differenceFromFinEquation(await solve(`fin_${refinement}`, FIN, refinement));
    console.log(`fin, cells divided by ${refinement}: ${(100 * difference).toFixed(3)} % from the fin equation`);
  }
  for (const { name, heatsink } of allCases().filter((_, i) => i % 12 === 0)) {
    const [coarse, fine] = [await solve(name, heatsink), await solve(`${name}_fine`, heatsink, 2)];
    const difference = differenceFromFiner(coarse, fine);
    console.log(
      `${name}: ${coarse.numberOfCells} and ${fine.numberOfCells} cells, ${(100 * difference).toFixed(2)} % apart (relative L2)`,
    );
  }
}

/** Relative L2 distance between the cells of a mesh and the means of the eight cells that each was divided into. */
function differenceFromFiner(coarse: Mesh, fine: Mesh): number {
  const around = Array.from({ length: fine.numberOfPoints }, () => ({ sum: 0, count: 0 }));
  const { connectivity, offsets } = fine.cells;
  for (const [cell, value] of temperatures(fine).entries()) {
    for (const point of connectivity.subarray(offsets[cell], offsets[cell + 1])) {
      around[point]!.sum += value;
      around[point]!.count += 1;
    }
  }
  // the middle of a cell is the corner that its eight parts share
  const corners = new KdTree(Float32Array.from(fine.points), 3);
  const middle = middles(coarse);
  const means = Array.from({ length: coarse.numberOfCells }, (_, cell) => {
    const { sum, count } = around[corners.nearest(middle.subarray(3 * cell, 3 * cell + 3), 1).indices[0]!]!;
    if (count !== 8) throw new Error(`expected 8 cells around the middle of cell ${cell}, got ${count}`);
    return sum / count;
  });
  return relativeError(means, temperatures(coarse));
}

if (require.main === module) void main();
