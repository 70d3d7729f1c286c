/** Cells of a surface mesh in the groups and the order in which VTK's PolyData has them. */
import { CellType } from "../cell-types";
import type { Cells } from "../mesh";
import { createArray, numericType, rowArray, rowsOf, type NdArray } from "../arrays";

/** A group of cells: points and ends of each, and which cells of the mesh they are. */
export interface SurfaceGroup {
  readonly name: "Verts" | "Lines" | "Polys" | "Strips";
  readonly connectivity: Int32Array;
  readonly offsets: Int32Array;
}

const GROUP_OF = new Map<number, SurfaceGroup["name"]>([
  [CellType.VERTEX, "Verts"],
  [CellType.POLY_VERTEX, "Verts"],
  [CellType.LINE, "Lines"],
  [CellType.POLY_LINE, "Lines"],
  [CellType.TRIANGLE, "Polys"],
  [CellType.QUAD, "Polys"],
  [CellType.POLYGON, "Polys"],
  [CellType.TRIANGLE_STRIP, "Strips"],
]);

/** The groups, and the cells of the mesh in their order; undefined for a cell that is not part of a surface. */
export function surfaceGroups(cells: Cells): { groups: SurfaceGroup[]; order: Int32Array } | undefined {
  const names = ["Verts", "Lines", "Polys", "Strips"] as const;
  const members = new Map(names.map((name) => [name, [] as number[]]));
  for (let cell = 0; cell < cells.types.length; cell++) {
    const name = GROUP_OF.get(cells.types[cell]!);
    if (name === undefined) return undefined;
    members.get(name)!.push(cell);
  }
  const groups = names.map((name) => group(name, cells, members.get(name)!));
  return { groups, order: Int32Array.from([...members.values()].flat()) };
}

function group(name: SurfaceGroup["name"], cells: Cells, members: readonly number[]): SurfaceGroup {
  const offsets = new Int32Array(members.length + 1);
  members.forEach((cell, i) => (offsets[i + 1] = offsets[i]! + cells.offsets[cell + 1]! - cells.offsets[cell]!));
  const connectivity = new Int32Array(offsets.at(-1)!);
  members.forEach((cell, i) =>
    connectivity.set(cells.connectivity.subarray(cells.offsets[cell], cells.offsets[cell + 1]), offsets[i]),
  );
  return { name, connectivity, offsets };
}

/** Rows of an array in another order. */
export function takeRows(array: NdArray, order: Int32Array): NdArray {
  if (order.every((row, i) => row === i)) return array;
  const { components } = rowsOf(array);
  const from = array.values as Float64Array;
  const to = createArray(numericType(array.values), order.length * components) as Float64Array;
  for (let i = 0; i < order.length; i++) {
    for (let c = 0; c < components; c++) to[i * components + c] = from[order[i]! * components + c]!;
  }
  return rowArray(to, components);
}
