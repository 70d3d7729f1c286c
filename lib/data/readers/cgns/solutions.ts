/** Fields of a zone (`FlowSolution_t`), at its points or in its cells. */
import { createArray, numericType, rowArray, type NdArray, type TypedArray } from "../arrays";
import { FieldMap } from "../mesh";
import { wants, type ReadOptions } from "../options";
import { integers, type Fail } from "./elements";
import { childNamed, labelled, textOf, type CgnsNode } from "./node";

/** Points or cells along the axes of a zone, without rind; one number for unstructured zones. */
export type Extent = readonly number[];

/**
 * The fields of a zone. `VelocityX`, `VelocityY` and `VelocityZ` become `Velocity` (N, 3), unless they are asked for by these names.
 *
 * @param chosen names of the solutions that are read: those of one time; undefined: all
 */
export function readSolutions(
  zone: CgnsNode,
  extents: { readonly points: Extent; readonly cells: Extent },
  chosen: ReadonlySet<string> | undefined,
  options: ReadOptions,
  fail: Fail,
): { pointData: FieldMap; cellData: FieldMap } {
  const [pointData, cellData] = [new FieldMap(), new FieldMap()];
  for (const solution of labelled(zone, "FlowSolution_t")) {
    if (chosen !== undefined && !chosen.has(solution.name)) continue;
    const location = textOf(childNamed(solution, "GridLocation")) || "Vertex";
    const isOnPoints = location === "Vertex";
    // values on faces belong to no cell of the mesh
    if (!isOnPoints && location !== "CellCenter") continue;
    const fields = isOnPoints ? pointData : cellData;
    if (!isOnPoints && options.cells === false) continue;
    const extent = isOnPoints ? extents.points : extents.cells;
    const rind = rindOf(solution, extent.length, fail);
    const arrays = labelled(solution, "DataArray_t");
    for (const array of arrays) {
      const vector = vectorName(array.name, arrays);
      if (!wants(options, array.name) && !(vector !== undefined && wants(options, vector))) continue;
      const data = array.data();
      if (data === undefined) throw fail(`expected values in "${array.name}", got none`);
      const name = fields.has(array.name) ? `${solution.name}/${array.name}` : array.name;
      fields.set(name, rowArray(withoutRind(data, extent, rind, `"${array.name}"`, fail), 1));
    }
  }
  for (const fields of [pointData, cellData]) joinVectors(fields, options);
  return { pointData, cellData };
}

/** `Velocity` of `VelocityX`, where all three are there. */
function vectorName(name: string, arrays: readonly CgnsNode[]): string | undefined {
  const stem = name.slice(0, -1);
  const isOne = /[XYZ]$/.test(name) && stem !== "" && stem !== "Coordinate";
  return isOne && ["X", "Y", "Z"].every((axis) => arrays.some((array) => array.name === stem + axis))
    ? stem
    : undefined;
}

function joinVectors(fields: FieldMap, options: ReadOptions): void {
  for (const name of [...fields.keys()]) {
    const stem = name.slice(0, -1);
    if (!name.endsWith("X") || fields.has(stem) || !wants(options, stem)) continue;
    const parts = ["X", "Y", "Z"].map((axis) => fields.get(stem + axis));
    if (!parts.every((part): part is NdArray => part !== undefined)) continue;
    const [first] = parts;
    if (parts.some(({ values }) => numericType(values) !== numericType(first!.values))) continue;
    const rows = first!.values.length;
    const values = createArray(numericType(first!.values), 3 * rows) as Float64Array;
    parts.forEach((part, d) => {
      for (let i = 0; i < rows; i++) values[3 * i + d] = (part.values as Float64Array)[i]!;
    });
    fields.set(stem, rowArray(values, 3));
    // one component may have been asked for, too
    for (const axis of ["X", "Y", "Z"])
      if (options.fields === undefined || !options.fields.includes(stem + axis)) fields.delete(stem + axis);
  }
}

/** Layers outside of the zone, before and behind it along each axis. */
export function rindOf(parent: CgnsNode, axes: number, fail: Fail): Int32Array {
  const [node] = labelled(parent, "Rind_t");
  if (node === undefined) return new Int32Array(2 * axes);
  const rind = integers(node, 2 * axes, fail);
  if (rind.some((layers) => layers < 0)) throw fail(`expected layers from 0 in "${node.name}", got ${rind.join(" ")}`);
  return rind;
}

/** The values inside of the zone, x fastest. */
export function withoutRind(data: TypedArray, extent: Extent, rind: Int32Array, what: string, fail: Fail): TypedArray {
  const full = extent.map((size, axis) => size + rind[2 * axis]! + rind[2 * axis + 1]!);
  const count = full.reduce((product, size) => product * size, 1);
  if (data.length !== count) throw fail(`expected ${full.join(" × ")} values of ${what}, got ${data.length}`);
  if (rind.every((layers) => layers === 0)) return data;
  const [nx = 1, ny = 1, nz = 1] = extent;
  const [fx = 1, fy = 1] = full;
  const [rx, ry, rz] = [rind[0] ?? 0, rind[2] ?? 0, rind[4] ?? 0];
  const values = createArray(numericType(data), nx * ny * nz) as Float64Array;
  let at = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const start = rx + fx * (y + ry + fy * (z + rz));
      values.set((data as Float64Array).subarray(start, start + nx), at);
      at += nx;
    }
  }
  return values;
}
