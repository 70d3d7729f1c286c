/** Fields of an OpenFOAM case: values in the cells (or at the points), and on the patches. */
import { rowArray, rowsOf, createArray, numericType, type NdArray } from "../arrays";
import { show } from "../scanner";
import { FoamArray, FoamDictionary, FoamDirective, FoamList, type FoamEntry, type FoamValue } from "./dictionary";
import type { FoamFile } from "./foam-file";
import { faceGeometry } from "./geometry";
import type { Patch, PolyMesh } from "./poly-mesh";

/** Components of the classes of fields that are read. */
const CLASSES = new Map<string, number>();
for (const [type, components] of [
  ["Scalar", 1],
  ["Vector", 3],
  ["SphericalTensor", 1],
  ["SymmTensor", 6],
  ["Tensor", 9],
] as const) {
  CLASSES.set(`vol${type}Field`, components);
  CLASSES.set(`vol${type}Field::Internal`, components);
  CLASSES.set(`point${type}Field`, components);
}

/** Patches whose faces take the value of their cell (scalars; other fields where nothing turns). */
const LIKE_CELL = new Set(["zeroGradient", "symmetry", "symmetryPlane", "slip", "wedge"]);
/** Types of patches that say by themselves what a field does there. */
const CONSTRAINTS = new Set(["empty", "symmetry", "symmetryPlane", "wedge", "cyclic", "cyclicAMI", "processor"]);

/** A field: in the cells or at the points of the mesh, and on patches by name, one row a face. */
export interface FoamField {
  readonly location: "cell" | "point";
  readonly internal: NdArray;
  readonly patches: ReadonlyMap<string, NdArray>;
  /** Of the entry `dimensions`; undefined where there is none. */
  readonly unit?: string;
}

/** Whether a file holds a field that is read. */
export function isField(className: string | undefined): boolean {
  return className !== undefined && CLASSES.has(className);
}

/**
 * Reads a field. On a patch it has the values of `value`, or what its type says where there is none: `zeroGradient` and, for
 * scalars, symmetry take the value of the cell, vectors at a symmetry or `slip` lose their normal part, `noSlip` is 0. A patch of
 * another type without `value` has no values.
 */
export function readField(file: FoamFile, mesh: PolyMesh): FoamField {
  const className = file.className!;
  const components = CLASSES.get(className)!;
  const location = className.startsWith("point") ? "point" : "cell";
  const dictionary = file.dictionary();
  const fail = (problem: string) => file.source.error(problem);
  const rows = location === "cell" ? mesh.numberOfCells : mesh.points.length / 3;
  const entry = dictionary.find("internalField") ?? dictionary.find("value");
  if (entry === undefined) throw fail("expected an entry internalField, got none");
  const internal = valuesOf(entry, rows, components, "internalField", fail);
  const patches = new Map<string, NdArray>();
  const boundary = dictionary.find("boundaryField");
  if (location === "cell" && boundary instanceof FoamDictionary) {
    for (const patch of mesh.patches) {
      const values = patchValues(patch, boundary, internal, mesh, components, fail);
      if (values !== undefined) patches.set(patch.name, values);
    }
  }
  const unit = unitOf(dictionary);
  return { location, internal, patches, ...(unit !== undefined && { unit }) };
}

/** Base units in the order of OpenFOAM's exponents. */
const BASE_UNITS = ["kg", "m", "s", "K", "mol", "A", "cd"];

/** `[0 2 -2 0 0 0 0]` as `m^2/s^2`; `1` of numbers without a unit. */
function unitOf(dictionary: FoamDictionary): string | undefined {
  const entry = dictionary.find("dimensions");
  const list = entry === undefined || entry instanceof FoamDictionary ? undefined : entry[0];
  if (!(list instanceof FoamList)) return undefined;
  // some versions write units by name: [m^2 s^-2]
  if (list.items.some((item) => typeof item === "string")) return list.items.map(String).join(" ");
  const powers = list.items.map((exponent, i) => ({ name: BASE_UNITS[i], exponent: Number(exponent) }));
  if (!powers.every(({ name, exponent }) => name !== undefined && Number.isFinite(exponent))) return undefined;
  const write = (sign: 1 | -1) =>
    powers
      .filter(({ exponent }) => sign * exponent > 0)
      .map(({ name, exponent }) => (Math.abs(exponent) === 1 ? name! : `${name}^${Math.abs(exponent)}`));
  return [write(1).join(".") || "1", ...write(-1)].join("/");
}

/** The entry of a patch: by name, by one of its groups, by pattern, or what its own type says. */
function patchEntry(patch: Patch, boundary: FoamDictionary): FoamDictionary | undefined {
  const names = [patch.name, ...patch.groups];
  const entry =
    names.map((name) => boundary.entries.get(name)).find((found) => found !== undefined) ?? boundary.find(patch.name);
  return entry instanceof FoamDictionary ? entry : undefined;
}

function patchValues(
  patch: Patch,
  boundary: FoamDictionary,
  internal: NdArray,
  mesh: PolyMesh,
  components: number,
  fail: (problem: string) => Error,
): NdArray | undefined {
  const entry = patchEntry(patch, boundary);
  if (entry === undefined && !CONSTRAINTS.has(patch.type))
    throw fail(`expected an entry for the patch ${show(patch.name)} in boundaryField, got none`);
  const type = entry?.word("type") ?? patch.type;
  if (type === "empty" || patch.numberOfFaces === 0) return undefined;
  const value = entry?.entries.get("value");
  const path = `boundaryField/${patch.name}/value`;
  if (value !== undefined) return valuesOf(value, patch.numberOfFaces, components, path, fail);
  if (type === "noSlip") return rowArray(new Float64Array(components * patch.numberOfFaces), components);
  const turns = components > 1 && type !== "zeroGradient";
  if (!LIKE_CELL.has(type) || (turns && (components !== 3 || type === "wedge"))) return undefined;
  const values = cellValues(patch, internal, mesh);
  if (turns) removeNormalPart(values.values as Float64Array, patch, mesh);
  return values;
}

/** The values in the cells at a patch. */
function cellValues({ firstFace, numberOfFaces }: Patch, internal: NdArray, { owner }: PolyMesh): NdArray {
  const { components } = rowsOf(internal);
  const from = internal.values as Float64Array;
  const values = createArray(numericType(internal.values), components * numberOfFaces) as Float64Array;
  for (let face = 0; face < numberOfFaces; face++) {
    const cell = owner[firstFace + face]!;
    for (let c = 0; c < components; c++) values[components * face + c] = from[components * cell + c]!;
  }
  return rowArray(values, components);
}

function removeNormalPart(values: Float64Array, { firstFace, numberOfFaces }: Patch, mesh: PolyMesh): void {
  const offsets = mesh.faceOffsets.subarray(firstFace, firstFace + numberOfFaces + 1);
  const { areas } = faceGeometry({ ...mesh, faceOffsets: offsets });
  for (let i = 0; i < values.length; i += 3) {
    const normal = areas.subarray(i, i + 3);
    const square = normal[0]! ** 2 + normal[1]! ** 2 + normal[2]! ** 2;
    const part = (values[i]! * normal[0]! + values[i + 1]! * normal[1]! + values[i + 2]! * normal[2]!) / square;
    if (square > 0) for (let d = 0; d < 3; d++) values[i + d]! -= part * normal[d]!;
  }
}

/** `uniform 0`, `uniform (1 0 0)`, `nonuniform List<vector> …`, with the right number of rows and components. */
function valuesOf(
  entry: FoamEntry,
  rows: number,
  components: number,
  path: string,
  fail: (problem: string) => Error,
): NdArray {
  if (entry instanceof FoamDictionary) throw fail(`expected uniform or nonuniform values in ${path}, got a dictionary`);
  const directive = entry.find((value) => value instanceof FoamDirective);
  if (directive !== undefined)
    throw fail(`expected values in ${path}, got ${directive.name}, which only OpenFOAM can work out`);
  const value = entry.at(-1);
  if (entry[0] === "uniform" && value !== undefined) return uniform(value, rows, components, path, fail);
  if (value instanceof FoamArray) {
    if (value.rows !== rows || value.components !== components)
      throw fail(`expected ${rows} × ${components} values in ${path}, got ${value.rows} × ${value.components}`);
    return value.expand();
  }
  if (entry[0] === "nonuniform" && entry[1] === 0 && rows === 0) return rowArray(new Float64Array(0), components);
  throw fail(`expected uniform or nonuniform values in ${path}, got ${show(describe(entry))}`);
}

function uniform(
  value: FoamValue,
  rows: number,
  components: number,
  path: string,
  fail: (problem: string) => Error,
): NdArray {
  const row = value instanceof FoamList ? value.items : [value];
  if (row.length !== components || !row.every((item): item is number => typeof item === "number"))
    throw fail(
      `expected ${components} numbers behind uniform in ${path}, got ${row.length === components ? "others" : row.length}`,
    );
  const values = new Float64Array(rows * components);
  for (let i = 0; i < values.length; i++) values[i] = row[i % components]!;
  return rowArray(values, components);
}

function describe(entry: readonly FoamValue[]): string {
  return entry
    .slice(0, 3)
    .map((value) => (typeof value === "string" || typeof value === "number" ? String(value) : "(…)"))
    .join(" ");
}
