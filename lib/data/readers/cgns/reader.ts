/** CGNS files in their HDF5 form: bases, zones, elements, solutions and boundary conditions (SIDS, https://cgns.github.io). */
import { toFloats } from "../arrays";
import { bytesSource, withFile } from "../byte-source";
import { checkCells } from "../cells";
import { FileFormatError } from "../errors";
import { withHdf5 } from "../hdf5";
import type { FieldMap } from "../mesh";
import { Mesh, noCells, type Cells, type Points } from "../mesh";
import type { ReadOptions } from "../options";
import { structuredCells } from "../structured";
import { cellsOf, readBoundary } from "./boundary";
import { integers, readSections, required, type Fail } from "./elements";
import { childNamed, Hdf5Node, labelled, textOf, type CgnsNode } from "./node";
import { readSolutions, rindOf, withoutRind, type Extent } from "./solutions";

/** Points of a structured zone, so that their indices fit. */
const MOST_POINTS = 2 ** 28;

/**
 * Reads a file. One zone is the mesh itself, with its boundary conditions as blocks; of several each is a block of that kind.
 *
 * @throws FileFormatError for damaged files and for those in the older form ADF; RuntimeError without the package h5wasm
 */
export async function readCgns(path: string, options: ReadOptions): Promise<Mesh> {
  withFile(path, (source) => {
    const start = Buffer.from(source.bytes(0, Math.min(64, source.size))).toString("latin1");
    if (start.includes("ADF Database"))
      throw source.error(
        "expected a CGNS file in HDF5 form, got one in ADF form: adf2hdf old.cgns new.cgns turns it into one",
      );
  });
  return withHdf5(path, "CGNS files", (root) => readTree(new Hdf5Node("", root, path), path, options));
}

/** The mesh of a tree of nodes. */
export function readTree(root: CgnsNode, path: string, options: ReadOptions): Mesh {
  const fail: Fail = (problem) => new FileFormatError(path, problem);
  const bases = labelled(root, "CGNSBase_t");
  if (bases.length === 0) throw fail("expected a CGNS file with a base, got none");
  const meshes = bases.map((base) => [base.name, readBase(base, options, fail)] as const);
  return meshes.length === 1 ? meshes[0]![1] : new Mesh({ blocks: new Map(meshes) });
}

function readBase(base: CgnsNode, options: ReadOptions, fail: Fail): Mesh {
  const [cellDimension, space] = integers(base, 2, fail);
  if (!(cellDimension! >= 1 && cellDimension! <= 3 && space! >= cellDimension! && space! <= 3))
    throw fail(`expected 1 to 3 dimensions of "${base.name}", got ${cellDimension} in ${space}`);
  const step = stepOf(base, options, fail);
  const zones = labelled(base, "Zone_t").map(
    (zone) => [zone.name, readZone(zone, cellDimension!, step, options, fail)] as const,
  );
  if (zones.length === 1) return zones[0]![1];
  return new Mesh({ blocks: new Map(zones), ...(step?.time !== undefined && { time: step.time }) });
}

/** One of the times of a transient file. */
interface Step {
  readonly index: number;
  readonly count: number;
  readonly time: number;
}

function stepOf(base: CgnsNode, { time = "last" }: ReadOptions, fail: Fail): Step | undefined {
  const [iterative] = labelled(base, "BaseIterativeData_t");
  const values = iterative && childNamed(iterative, "TimeValues")?.data();
  if (values === undefined || values.length === 0) {
    if (typeof time === "number") throw fail(`expected a step of the time ${time}, got a file without times`);
    return undefined;
  }
  const times = Array.from(values as Float64Array, Number);
  const index = time === "last" ? times.length - 1 : time === "first" ? 0 : times.indexOf(time);
  if (index < 0) throw fail(`expected a step of the time ${time}, got ${times.join(", ")}`);
  return { index, count: times.length, time: times[index]! };
}

function readZone(
  node: CgnsNode,
  cellDimension: number,
  step: Step | undefined,
  options: ReadOptions,
  fail: Fail,
): Mesh {
  const type = textOf(childNamed(node, "ZoneType")) || "Structured";
  if (type !== "Structured" && type !== "Unstructured")
    throw fail(`expected a structured or an unstructured zone "${node.name}", got ${JSON.stringify(type)}`);
  const isStructured = type === "Structured";
  const axes = isStructured ? cellDimension : 1;
  const sizes = integers(node, 2 * axes, fail);
  const extents = { points: [...sizes.subarray(0, axes)], cells: [...sizes.subarray(axes, 2 * axes)] };
  const count = extents.points.reduce((product, size) => product * size, 1);
  if ([...extents.points, ...extents.cells].some((size) => size < 0) || count > MOST_POINTS)
    throw fail(`expected at most 2^28 points in "${node.name}", got ${extents.points.join(" × ")}`);
  const points = readPoints(node, extents.points, fail);
  const chosen = solutionsOf(node, step, fail);
  const { pointData, cellData } = readSolutions(node, extents, chosen, options, fail);
  const time = step?.time;
  if (isStructured) {
    const [nx = 1, ny = 1, nz = 1] = extents.points;
    const dimensions = [nx, ny, nz] as const;
    const zone = { node, points, pointData, dimensions, sections: [], cellDimension };
    const blocks = options.cells === false ? undefined : readBoundary(zone, fail);
    return new Mesh({
      points,
      pointData,
      cellData,
      blocks,
      dimensions,
      time,
      ...cellsIn(options, () => structuredCells(dimensions)),
    });
  }
  if (options.cells === false) return new Mesh({ points, pointData, time });
  const sections = readSections(node, fail);
  const source = bytesSource(new Uint8Array(0), fail("").file);
  for (const { values: connectivity, offsets, types, isPolyhedral } of sections)
    if (!isPolyhedral) checkCells({ connectivity, offsets, types }, count, source);
  const cells = cellsOf(sections, cellDimension, fail);
  checkRows(cellData, cells.types.length, node.name, fail);
  const zone = { node, points, pointData, dimensions: undefined, sections, cellDimension };
  return new Mesh({ points, pointData, cellData, cells, blocks: readBoundary(zone, fail), time });
}

function cellsIn({ cells }: ReadOptions, make: () => Cells): { cells: Cells } {
  return { cells: cells === false ? noCells() : make() };
}

function checkRows(fields: FieldMap, cells: number, zone: string, fail: Fail): void {
  for (const [name, { values, shape }] of fields)
    if (shape[0] !== cells)
      throw fail(
        `expected ${cells} values of "${name}", one for each cell of "${zone}", got ${shape[0] ?? values.length}`,
      );
}

/** Coordinates of the first grid, (N, 3): what a base of fewer dimensions lacks is 0. */
function readPoints(zone: CgnsNode, extent: Extent, fail: Fail): Points {
  const grids = labelled(zone, "GridCoordinates_t");
  const grid = grids.find(({ name }) => name === "GridCoordinates") ?? grids[0];
  if (grid === undefined) throw fail(`expected coordinates of the zone "${zone.name}", got none`);
  const rind = rindOf(grid, extent.length, fail);
  required(grid, "CoordinateX", fail);
  const axes = ["X", "Y", "Z"].map((axis) => {
    const data = childNamed(grid, `Coordinate${axis}`)?.data();
    return data && toFloats(withoutRind(data, extent, rind, `Coordinate${axis}`, fail));
  });
  const count = extent.reduce((product, size) => product * size, 1);
  const isSingle = axes.every((axis) => axis === undefined || axis instanceof Float32Array);
  const points = isSingle ? new Float32Array(3 * count) : new Float64Array(3 * count);
  axes.forEach((axis, d) => {
    if (axis !== undefined) for (let i = 0; i < count; i++) points[3 * i + d] = axis[i]!;
  });
  return points;
}

/** Names of the solutions of a step; undefined where the zone does not tell them. */
function solutionsOf(zone: CgnsNode, step: Step | undefined, fail: Fail): ReadonlySet<string> | undefined {
  if (step === undefined) return undefined;
  const [iterative] = labelled(zone, "ZoneIterativeData_t");
  const pointers =
    iterative && labelled(iterative, "DataArray_t").filter(({ name }) => /^FlowSolution.*Pointers$/.test(name));
  if (pointers === undefined || pointers.length === 0) return undefined;
  return new Set(
    pointers.map((node) => {
      const letters = textBytes(node);
      const width = letters.length / step.count;
      if (!Number.isInteger(width)) throw fail(`expected ${step.count} names in "${node.name}", got others`);
      return letters
        .subarray(step.index * width, (step.index + 1) * width)
        .toString()
        .replace(/[\0 ]+$/, "");
    }),
  );
}

function textBytes(node: CgnsNode): Buffer {
  return Buffer.from(Uint8Array.from((node.data() ?? new Uint8Array(0)) as Uint8Array));
}
