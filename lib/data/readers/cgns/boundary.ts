/** Boundary conditions of a zone (`BC_t`) as meshes by name: their faces with the values at their points. */
import { createArray, numericType, rowArray, rowsOf } from "../arrays";
import { CellType } from "../cell-types";
import { joinCells, uniformCells } from "../cells";
import { FieldMap, Mesh, noCells, type Cells, type Points } from "../mesh";
import { integers, type Fail, type Section } from "./elements";
import { childNamed, labelled, textOf, type CgnsNode } from "./node";

/** What the blocks of a zone are cut out of. */
export interface Zone {
  readonly node: CgnsNode;
  readonly points: Points;
  readonly pointData: FieldMap;
  /** Points along the axes, of structured zones. */
  readonly dimensions: readonly [number, number, number] | undefined;
  readonly sections: readonly Section[];
  /** 3 where the cells are volumes. */
  readonly cellDimension: number;
}

/** Conditions by name; sections of faces that are in none of them follow by the name of the section. */
export function readBoundary(zone: Zone, fail: Fail): Map<string, Mesh> {
  const blocks = new Map<string, Mesh>();
  const conditions = labelled(zone.node, "ZoneBC_t").flatMap((node) => labelled(node, "BC_t"));
  for (const condition of conditions) {
    const cells = zone.dimensions ? structuredFaces(zone, condition, fail) : unstructuredFaces(zone, condition, fail);
    const texts = new Map([["type", textOf(condition)]]);
    const family = textOf(labelled(condition, "FamilyName_t")[0]);
    if (family !== "") texts.set("family", family);
    blocks.set(condition.name, cutOut(zone, cells, texts));
  }
  for (const section of zone.sections) {
    const isBoundary = section.dimension === zone.cellDimension - 1 && !blocks.has(section.name);
    // the faces of polyhedra are everywhere
    if (!isBoundary || zone.sections.some(({ isPolyhedral }) => isPolyhedral) || section.parents !== undefined)
      continue;
    const { values: connectivity, offsets, types } = section;
    blocks.set(section.name, cutOut(zone, { connectivity, offsets, types }, new Map()));
  }
  return blocks;
}

/** The numbers of a condition: a list, or all from the first to the last. */
function numbersOf(condition: CgnsNode, fail: Fail): { numbers: Int32Array; areElements: boolean } {
  for (const [name, isRange] of [
    ["PointList", false],
    ["PointRange", true],
    ["ElementList", false],
    ["ElementRange", true],
  ] as const) {
    const node = childNamed(condition, name);
    if (node === undefined) continue;
    const values = integers(node, isRange ? 2 : 0, fail);
    return {
      numbers: isRange ? rangeOf(values[0]!, values[values.length >> 1]!, condition.name, fail) : values,
      areElements: name.startsWith("Element"),
    };
  }
  throw fail(`expected points or elements of the boundary condition "${condition.name}", got none`);
}

/** Most numbers that a range may stand for. */
const MOST = 2 ** 28;

function rangeOf(first: number, last: number, name: string, fail: Fail): Int32Array {
  if (last < first || last - first >= MOST)
    throw fail(`expected a range of numbers in "${name}", got ${first} to ${last}`);
  return Int32Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function unstructuredFaces(zone: Zone, condition: CgnsNode, fail: Fail): Cells {
  const { numbers, areElements } = numbersOf(condition, fail);
  const location = textOf(childNamed(condition, "GridLocation")) || "Vertex";
  if (!areElements && location === "Vertex") {
    const end = zone.points.length / 3;
    const wrong = numbers.find((number) => number < 1 || number > end);
    if (wrong !== undefined) throw fail(`expected points 1 to ${end} in "${condition.name}", got ${wrong}`);
    return uniformCells(
      numbers.map((number) => number - 1),
      1,
      CellType.VERTEX,
    );
  }
  const offsets = new Int32Array(numbers.length + 1);
  const types = new Uint8Array(numbers.length);
  const found = Array.from(numbers, (number, i) => {
    const section = zone.sections.find(({ first, count }) => number >= first && number < first + count);
    if (section === undefined || section.isPolyhedral)
      throw fail(`expected numbers of faces in "${condition.name}", got ${number}`);
    const element = number - section.first;
    const points = section.values.subarray(section.offsets[element], section.offsets[element + 1]);
    offsets[i + 1] = offsets[i]! + points.length;
    types[i] = section.types[element]!;
    return points;
  });
  const connectivity = new Int32Array(offsets.at(-1)!);
  found.forEach((points, i) => connectivity.set(points, offsets[i]));
  return { connectivity, offsets, types };
}

/** Quads between the points of a range of one layer; lines in two dimensions. */
function structuredFaces(zone: Zone, condition: CgnsNode, fail: Fail): Cells {
  const node = childNamed(condition, "PointRange") ?? childNamed(condition, "ElementRange");
  // lists of points of structured zones are allowed, and as good as never written
  if (node === undefined) throw fail(`expected a PointRange in "${condition.name}" of a structured zone, got none`);
  const dimensions = zone.dimensions!;
  const axes = dimensions.filter((size) => size > 1).length === 3 || zone.cellDimension === 3 ? 3 : 2;
  const values = integers(node, 2 * axes, fail);
  const location = textOf(childNamed(condition, "GridLocation")) || "Vertex";
  const first = [0, 1, 2].map((axis) => (axis < axes ? Math.min(values[axis]!, values[axes + axis]!) : 1));
  const last = [0, 1, 2].map((axis) => (axis < axes ? Math.max(values[axis]!, values[axes + axis]!) : 1));
  const across = [0, 1, 2].find((axis) => axis < axes && first[axis] === last[axis]);
  if (across === undefined) throw fail(`expected a range of one layer in "${condition.name}", got ${values.join(" ")}`);
  // a range of faces counts cells along its layer, one of points the points
  if (location !== "Vertex") for (let axis = 0; axis < axes; axis++) if (axis !== across) last[axis]!++;
  for (let axis = 0; axis < 3; axis++) {
    if (first[axis]! < 1 || last[axis]! > dimensions[axis]!)
      throw fail(
        `expected points 1 to ${dimensions[axis]} along axis ${axis + 1} in "${condition.name}", got ${first[axis]} to ${last[axis]}`,
      );
  }
  const [u, v] = [0, 1, 2].filter((axis) => axis !== across);
  const strides = [1, dimensions[0], dimensions[0] * dimensions[1]];
  const origin = first.reduce((sum, index, axis) => sum + (index - 1) * strides[axis]!, 0);
  const [du, dv] = [strides[u!]!, strides[v!]!];
  const [nu, nv] = [last[u!]! - first[u!]!, last[v!]! - first[v!]!];
  if (axes === 2) {
    const line = Int32Array.from({ length: 2 * nu }, (_, i) => origin + ((i >> 1) + (i & 1)) * du);
    return uniformCells(line, 2, CellType.LINE);
  }
  const quads = new Int32Array(4 * nu * nv);
  let at = 0;
  for (let j = 0; j < nv; j++) {
    for (let i = 0; i < nu; i++) {
      const corner = origin + i * du + j * dv;
      quads.set([corner, corner + du, corner + du + dv, corner + dv], at);
      at += 4;
    }
  }
  return uniformCells(quads, 4, CellType.QUAD);
}

/** A mesh of some of a zone's cells, with points of its own in the order of the zone. */
function cutOut({ points, pointData }: Zone, cells: Cells, texts: ReadonlyMap<string, string>): Mesh {
  const used = Int32Array.from(new Set(cells.connectivity)).sort();
  const numbers = new Map(Array.from(used, (point, i) => [point, i]));
  const own = points.slice(0, 3 * used.length);
  for (let i = 0; i < used.length; i++) for (let d = 0; d < 3; d++) own[3 * i + d] = points[3 * used[i]! + d]!;
  const fields = new FieldMap();
  for (const [name, array] of pointData) {
    const { components } = rowsOf(array);
    const values = createArray(numericType(array.values), used.length * components) as Float64Array;
    for (let i = 0; i < used.length; i++)
      for (let c = 0; c < components; c++)
        values[i * components + c] = (array.values as Float64Array)[used[i]! * components + c]!;
    fields.set(name, rowArray(values, components));
  }
  const fieldData = new FieldMap();
  for (const [name, text] of texts) fieldData.texts.set(name, [text]);
  const connectivity = cells.connectivity.map((point) => numbers.get(point)!);
  return new Mesh({ points: own, cells: { ...cells, connectivity }, pointData: fields, fieldData });
}

/** The cells of a zone: its elements of the highest dimension. */
export function cellsOf(sections: readonly Section[], cellDimension: number, fail: Fail): Cells {
  const own = sections.filter(({ dimension }) => dimension === cellDimension);
  if (own.some(({ isPolyhedral }) => isPolyhedral)) {
    if (own.some(({ isPolyhedral }) => !isPolyhedral))
      throw fail("expected either NFACE sections or other volumes in a zone, got both");
    return polyhedra(own, sections, fail);
  }
  const [parents] = sections.filter((section) => section.parents !== undefined && section.dimension === 2);
  if (own.length === 0 && cellDimension === 3 && parents !== undefined) return fromParents(parents, fail);
  if (own.length === 0) return noCells();
  const parts = own.map(({ values: connectivity, offsets, types }) => ({ connectivity, offsets, types }));
  return parts.length === 1
    ? parts[0]!
    : joinCells(
        parts,
        parts.map(() => 0),
      );
}

/** Polyhedra from their faces; one that looks inward has its points in the other order. */
function polyhedra(cells: readonly Section[], sections: readonly Section[], fail: Fail): Cells {
  const faceSections = sections.filter(({ dimension, isPolyhedral }) => dimension === 2 && !isPolyhedral);
  const lists = cells.flatMap(({ values, offsets, count }) =>
    Array.from({ length: count }, (_, i) => values.subarray(offsets[i], offsets[i + 1])),
  );
  return fromFaces(lists, (number) => {
    const section = faceSections.find(({ first, count }) => number >= first && number < first + count);
    if (section === undefined) throw fail(`expected the number of a face in NFACE, got ${number}`);
    const face = number - section.first;
    return section.values.subarray(section.offsets[face], section.offsets[face + 1]);
  });
}

/** Polyhedra from the cells on both sides of each face: it looks out of the first one. */
function fromParents({ parents, count, first, values, offsets }: Section, fail: Fail): Cells {
  const last = parents!.reduce((most, cell) => Math.max(most, cell), 0);
  const start = parents!.reduce((least, cell) => (cell > 0 ? Math.min(least, cell) : least), last);
  if (last - start >= 2 * count || start < 0)
    throw fail(`expected at most ${2 * count} cells of ${count} faces, got more`);
  const lists: number[][] = Array.from({ length: last === 0 ? 0 : last - start + 1 }, () => []);
  for (let face = 0; face < count; face++) {
    const [inside, outside] = [parents![face]!, parents![count + face]!];
    if (inside > 0) lists[inside - start]!.push(first + face);
    if (outside > 0) lists[outside - start]!.push(-(first + face));
  }
  return fromFaces(lists, (number) => values.subarray(offsets[number - first], offsets[number - first + 1]));
}

function fromFaces(lists: readonly ArrayLike<number>[], faceOf: (number: number) => Int32Array): Cells {
  const [connectivity, offsets, faces, faceOffsets, cellOffsets]: number[][] = [[], [0], [], [0], [0]];
  for (const list of lists) {
    const own = new Set<number>();
    for (let i = 0; i < list.length; i++) {
      const points = faceOf(Math.abs(list[i]!));
      for (let j = 0; j < points.length; j++) {
        const point = points[list[i]! < 0 ? points.length - 1 - j : j]!;
        faces!.push(point);
        own.add(point);
      }
      faceOffsets!.push(faces!.length);
    }
    for (const point of [...own].sort((a, b) => a - b)) connectivity!.push(point);
    offsets!.push(connectivity!.length);
    cellOffsets!.push(faceOffsets!.length - 1);
  }
  return {
    connectivity: Int32Array.from(connectivity!),
    offsets: Int32Array.from(offsets!),
    types: new Uint8Array(lists.length).fill(CellType.POLYHEDRON),
    faces: {
      connectivity: Int32Array.from(faces!),
      offsets: Int32Array.from(faceOffsets!),
      cellOffsets: Int32Array.from(cellOffsets!),
    },
  };
}
