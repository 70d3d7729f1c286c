/** Sections of elements (`Elements_t`): their points, kinds and numbers. */
import { toInt32 } from "../arrays";
import { CellType } from "../cell-types";
import type { FileFormatError } from "../errors";
import { childNamed, labelled, type CgnsNode } from "./node";

/** Builds an error of the file. */
export type Fail = (problem: string) => FileFormatError;

/** A kind of elements (SIDS, `ElementType_t`). */
interface Kind {
  readonly name: string;
  /** VTK's type. */
  readonly type: number;
  readonly points: number;
  readonly dimension: number;
  /** Where VTK has another order: which of the element's points come. */
  readonly order?: readonly number[];
}

const KINDS: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [2, { name: "NODE", type: CellType.VERTEX, points: 1, dimension: 0 }],
  [3, { name: "BAR_2", type: CellType.LINE, points: 2, dimension: 1 }],
  [4, { name: "BAR_3", type: CellType.QUADRATIC_EDGE, points: 3, dimension: 1 }],
  [5, { name: "TRI_3", type: CellType.TRIANGLE, points: 3, dimension: 2 }],
  [6, { name: "TRI_6", type: CellType.QUADRATIC_TRIANGLE, points: 6, dimension: 2 }],
  [7, { name: "QUAD_4", type: CellType.QUAD, points: 4, dimension: 2 }],
  [8, { name: "QUAD_8", type: CellType.QUADRATIC_QUAD, points: 8, dimension: 2 }],
  [10, { name: "TETRA_4", type: CellType.TETRA, points: 4, dimension: 3 }],
  [11, { name: "TETRA_10", type: CellType.QUADRATIC_TETRA, points: 10, dimension: 3 }],
  [12, { name: "PYRA_5", type: CellType.PYRAMID, points: 5, dimension: 3 }],
  [14, { name: "PENTA_6", type: CellType.WEDGE, points: 6, dimension: 3 }],
  [17, { name: "HEXA_8", type: CellType.HEXAHEDRON, points: 8, dimension: 3 }],
  [
    18,
    {
      name: "HEXA_20",
      type: CellType.QUADRATIC_HEXAHEDRON,
      points: 20,
      dimension: 3,
      // CGNS: edges below, upright, above; VTK: below, above, upright
      order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 12, 13, 14, 15],
    },
  ],
]);
const [MIXED, NGON, NFACE] = [20, 22, 23];

/** Elements with consecutive numbers. */
export interface Section {
  readonly name: string;
  /** Number of the first element; numbers of a zone begin with 1. */
  readonly first: number;
  readonly count: number;
  /** 3: volumes, 2: faces, … of mixed sections the largest; NFACE: 3. */
  readonly dimension: number;
  /** Points from 0, or the faces of polyhedra as they are in the file: numbers from 1, negative where they look inward. */
  readonly values: Int32Array;
  readonly offsets: Int32Array;
  /** VTK's types. */
  readonly types: Uint8Array;
  /** Whether `values` are faces. */
  readonly isPolyhedral: boolean;
  /** (2, F): the cells beside each face, of NGON sections that tell them. */
  readonly parents: Int32Array | undefined;
}

/** The sections of a zone, in the order of their numbers. */
export function readSections(zone: CgnsNode, fail: Fail): Section[] {
  const sections = labelled(zone, "Elements_t").map((node) => readSection(node, fail));
  sections.sort((a, b) => a.first - b.first);
  let next = 1;
  for (const { name, first, count } of sections) {
    if (first < next) throw fail(`expected elements of different numbers, got ${first} twice, in "${name}" again`);
    next = first + count;
  }
  return sections;
}

function readSection(node: CgnsNode, fail: Fail): Section {
  const kind = integers(node, 1, fail)[0]!;
  const range = integers(required(node, "ElementRange", fail), 2, fail);
  const [first, count] = [range[0]!, range[1]! - range[0]! + 1];
  if (first < 1 || count < 0)
    throw fail(`expected a range of elements from 1 in "${node.name}", got ${range[0]} to ${range[1]}`);
  const connectivity = integers(required(node, "ElementConnectivity", fail), 0, fail);
  // each element has at least one value, before memory is taken for so many
  if (count > connectivity.length)
    throw fail(`expected points of ${count} elements in "${node.name}", got ${connectivity.length} values`);
  const startNode = childNamed(node, "ElementStartOffset");
  const starts = startNode && integers(startNode, count + 1, fail);
  const parentNode = childNamed(node, "ParentElements");
  const parents = parentNode && integers(parentNode, 2 * count, fail);
  const common = { name: node.name, first, count, parents };
  if (kind === MIXED) return { ...common, isPolyhedral: false, ...mixed(node.name, connectivity, count, fail) };
  if (kind === NGON || kind === NFACE) {
    const { values, offsets } = lists(node.name, connectivity, starts, count, fail);
    if (kind === NFACE) {
      const types = new Uint8Array(count).fill(CellType.POLYHEDRON);
      return { ...common, dimension: 3, isPolyhedral: true, values, offsets, types };
    }
    const types = new Uint8Array(count);
    for (let i = 0; i < count; i++) types[i] = polygon(offsets[i + 1]! - offsets[i]!);
    return { ...common, dimension: 2, isPolyhedral: false, values: fromZero(values), offsets, types };
  }
  const known = KINDS.get(kind);
  if (known === undefined) throw fail(unknownKind(kind, node.name));
  if (connectivity.length !== count * known.points)
    throw fail(
      `expected ${count} × ${known.points} points of ${known.name} in "${node.name}", got ${connectivity.length}`,
    );
  const offsets = Int32Array.from({ length: count + 1 }, (_, i) => i * known.points);
  const values = fromZero(known.order ? reordered(connectivity, known) : connectivity);
  const types = new Uint8Array(count).fill(known.type);
  return { ...common, dimension: known.dimension, isPolyhedral: false, values, offsets, types };
}

function unknownKind(kind: number, name: string): string {
  const names = [...KINDS.values()].map((known) => known.name);
  return `expected elements of the kinds ${names.join(", ")}, MIXED, NGON_n, NFACE_n in "${name}", got those of number ${kind}`;
}

/** Each element behind its kind. Files before version 4 have no offsets, and the offsets of later ones say the same. */
function mixed(
  name: string,
  stream: Int32Array,
  count: number,
  fail: Fail,
): Pick<Section, "values" | "offsets" | "types" | "dimension"> {
  const values = new Int32Array(stream.length - count);
  const offsets = new Int32Array(count + 1);
  const types = new Uint8Array(count);
  let [at, length, dimension] = [0, 0, 0];
  for (let element = 0; element < count; element++) {
    const number = stream[at++] ?? 0;
    const kind = KINDS.get(number);
    if (kind === undefined) throw fail(unknownKind(number, name));
    if (length + kind.points > values.length)
      throw fail(`expected ${count} elements in "${name}", got ${element} and the end of their points`);
    for (let i = 0; i < kind.points; i++) values[length + i] = stream[at + (kind.order?.[i] ?? i)]! - 1;
    at += kind.points;
    length += kind.points;
    offsets[element + 1] = length;
    types[element] = kind.type;
    dimension = Math.max(dimension, kind.dimension);
  }
  if (at !== stream.length)
    throw fail(`expected the points of ${count} elements in "${name}", got ${stream.length - at} values more`);
  return { values, offsets, types, dimension };
}

/** Lists of points or faces: with offsets since version 4, each behind its length before. */
function lists(
  name: string,
  stream: Int32Array,
  starts: Int32Array | undefined,
  count: number,
  fail: Fail,
): { values: Int32Array; offsets: Int32Array } {
  if (starts !== undefined) {
    const isRising = starts.every((start, i) => (i === 0 ? start === 0 : start >= starts[i - 1]!));
    if (!isRising || starts[count] !== stream.length)
      throw fail(`expected offsets from 0 to ${stream.length} that do not fall in "${name}", got others`);
    return { values: stream, offsets: starts };
  }
  const values = new Int32Array(stream.length - count);
  const offsets = new Int32Array(count + 1);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const size = stream[at] ?? -1;
    if (size < 0 || offsets[i]! + size > values.length || at + 1 + size > stream.length)
      throw fail(`expected ${count} lists behind their lengths in "${name}", got others`);
    values.set(stream.subarray(at + 1, at + 1 + size), offsets[i]);
    offsets[i + 1] = offsets[i]! + size;
    at += 1 + size;
  }
  if (at !== stream.length) throw fail(`expected ${count} lists behind their lengths in "${name}", got more`);
  return { values, offsets };
}

function reordered(connectivity: Int32Array, { points, order }: Kind): Int32Array {
  const result = new Int32Array(connectivity.length);
  for (let start = 0; start < result.length; start += points)
    for (let i = 0; i < points; i++) result[start + i] = connectivity[start + order![i]!]!;
  return result;
}

function fromZero(points: Int32Array): Int32Array {
  return points.map((point) => point - 1);
}

function polygon(points: number): number {
  return points === 3 ? CellType.TRIANGLE : points === 4 ? CellType.QUAD : CellType.POLYGON;
}

/** A child that has to be there. */
export function required(node: CgnsNode, name: string, fail: Fail): CgnsNode {
  const child = childNamed(node, name);
  if (child === undefined) throw fail(`expected a node "${name}" in "${node.name}", got none`);
  return child;
}

/** Integers of a node. @param least how many there must be */
export function integers(node: CgnsNode, least: number, fail: Fail): Int32Array {
  const data = node.data();
  const values = data && toInt32(data);
  if (values === undefined || values.length < least)
    throw fail(
      `expected ${least > 0 ? `at least ${least} ` : ""}integers below 2^31 in "${node.name}", got ${data === undefined ? "none" : values === undefined ? "others" : values.length}`,
    );
  return values;
}
