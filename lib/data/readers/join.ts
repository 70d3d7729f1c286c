import { rowArray, rowsOf, numericType, createArray, type NdArray } from "./arrays";
import { joinCells } from "./cells";
import { FieldMap, Mesh, type MeshParts } from "./mesh";

/**
 * Meshes as one: points and cells one after the other, with the fields that all of them have with the same type and
 * components. One mesh stays as it is.
 *
 * @param parts what belongs to the whole.
 */
export function joinMeshes(
  meshes: readonly Mesh[],
  parts: Pick<MeshParts, "fieldData" | "time" | "blocks"> = {},
): Mesh {
  const [first, ...others] = meshes;
  if (first === undefined) return new Mesh(parts);
  if (others.length === 0) {
    return first.with(parts);
  }
  const shifts: number[] = [];
  let total = 0;
  for (const mesh of meshes) {
    shifts.push(total);
    total += mesh.numberOfPoints;
  }
  const isDouble = meshes.some((mesh) => mesh.points instanceof Float64Array);
  const points = isDouble ? new Float64Array(3 * total) : new Float32Array(3 * total);
  meshes.forEach((mesh, i) => points.set(mesh.points, 3 * shifts[i]!));
  return new Mesh({
    points,
    cells: joinCells(
      meshes.map((mesh) => mesh.cells),
      shifts,
    ),
    pointData: joinFields(meshes.map((mesh) => mesh.pointData)),
    cellData: joinFields(meshes.map((mesh) => mesh.cellData)),
    ...parts,
  });
}

function joinFields(maps: readonly FieldMap[]): FieldMap {
  const joined = new FieldMap();
  for (const [name, first] of maps[0]!) {
    const arrays = maps.map((map) => map.get(name));
    if (arrays.every((array): array is NdArray => array !== undefined && isAlike(first, array)))
      joined.set(name, joinArrays(arrays));
    const unit = maps[0]!.units.get(name);
    if (unit !== undefined && maps.every((map) => map.units.get(name) === unit)) joined.units.set(name, unit);
  }
  for (const [name] of maps[0]!.texts) {
    const texts = maps.map((map) => map.texts.get(name));
    if (texts.every((text) => text !== undefined)) joined.texts.set(name, texts.flat());
  }
  return joined;
}

function isAlike(a: NdArray, b: NdArray): boolean {
  return rowsOf(a).components === rowsOf(b).components && numericType(a.values) === numericType(b.values);
}

/** Arrays of one type and as many components, row after row. */
function joinArrays(arrays: readonly NdArray[]): NdArray {
  const first = arrays[0]!;
  const length = arrays.reduce((sum, { values }) => sum + values.length, 0);
  const values = createArray(numericType(first.values), length);
  let at = 0;
  for (const array of arrays) {
    // of one type, as isAlike made sure
    (values as Float64Array).set(array.values as Float64Array, at);
    at += array.values.length;
  }
  return rowArray(values, rowsOf(first).components);
}
