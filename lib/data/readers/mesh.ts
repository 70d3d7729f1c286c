import { ValueError } from "../../config/python-errors";
import { rowsOf, type NdArray } from "./arrays";

/** Coordinates (N, 3), row by row. */
export type Points = Float32Array | Float64Array;

/** Faces of the polyhedra among the cells; cells of other types have none. */
export interface PolyhedronFaces {
  /** Points of all faces, one face after the other. */
  readonly connectivity: Int32Array;
  /** (F + 1): face f has the points `connectivity[offsets[f] … offsets[f + 1] - 1]`. */
  readonly offsets: Int32Array;
  /** (C + 1): cell c has the faces `cellOffsets[c] … cellOffsets[c + 1] - 1`. */
  readonly cellOffsets: Int32Array;
}

/** Cells of any mixture of types. */
export interface Cells {
  /** Points of all cells, one cell after the other, in VTK's order within a cell. */
  readonly connectivity: Int32Array;
  /** (C + 1): cell c has the points `connectivity[offsets[c] … offsets[c + 1] - 1]`; the first is 0. */
  readonly offsets: Int32Array;
  /** (C) type of each cell, see {@link CellType}. */
  readonly types: Uint8Array;
  /** Present when there are polyhedra. */
  readonly faces?: PolyhedronFaces;
}

/** A regular grid: points on axes that need not be written down. Point (i, j, k) has the index i + nx (j + ny k). */
export interface ImageGrid {
  /** Points along x, y and z, each at least 1. */
  readonly dimensions: readonly [number, number, number];
  readonly origin: readonly [number, number, number];
  /** Distance between neighbours along each axis. */
  readonly spacing: readonly [number, number, number];
  /** Rows of the matrix (3, 3) that turns axes of the grid into those of space. Default: identity. */
  readonly direction?: readonly number[];
}

/** No cells: what a cloud of points has. */
export function noCells(): Cells {
  return { connectivity: new Int32Array(0), offsets: new Int32Array(1), types: new Uint8Array(0) };
}

/** Named arrays of numbers; of texts in {@link FieldMap.texts}. Iterates in the order of the file. */
export class FieldMap extends Map<string, NdArray> {
  /** Arrays of strings by name. */
  readonly texts = new Map<string, readonly string[]>();
  /** Units by name, of arrays whose file tells them: `m^2/s^2`. */
  readonly units = new Map<string, string>();

  /**
   * The array of a name.
   *
   * @throws ValueError that lists the names there are.
   */
  field(name: string): NdArray {
    const array = this.get(name);
    if (array !== undefined) return array;
    const names = [...this.keys()].map((key) => `"${key}"`).join(", ");
    throw new ValueError(`expected a field "${name}", got ${names === "" ? "no fields" : names}`);
  }
}

/** What a {@link Mesh} is made of. */
export interface MeshParts {
  /** (N, 3), or a function that makes them when they are first asked for. Default: none. */
  readonly points?: Points | (() => Points);
  /** Default: none. */
  readonly cells?: Cells | (() => Cells);
  readonly pointData?: FieldMap;
  readonly cellData?: FieldMap;
  readonly fieldData?: FieldMap;
  readonly blocks?: ReadonlyMap<string, Mesh>;
  /** Points along the three axes, of a structured mesh. */
  readonly dimensions?: readonly [number, number, number];
  readonly image?: ImageGrid;
  /** Number of points and cells, needed where they are functions. */
  readonly numberOfPoints?: number;
  readonly numberOfCells?: number;
  readonly time?: number;
}

/**
 * A mesh or, without cells, a set of points, with named fields on points, on cells and on the whole. Patches of a case,
 * parts of a collection and groups of a file are meshes by name in `blocks`. Units are those of the file.
 */
export class Mesh {
  /** Fields with one row a point: (N) or (N, C). */
  readonly pointData: FieldMap;
  /** Fields with one row a cell: (C) or (C, components). */
  readonly cellData: FieldMap;
  /** Arrays of any shape that belong to the whole mesh. */
  readonly fieldData: FieldMap;
  /** Patches, parts or groups by name. */
  readonly blocks: ReadonlyMap<string, Mesh>;
  /** Points along the three axes; only of structured meshes, whose point (i, j, k) has the index i + nx (j + ny k). */
  readonly dimensions: readonly [number, number, number] | undefined;
  /** Origin and spacing; only of regular grids. */
  readonly image: ImageGrid | undefined;
  /** Time of a transient case, in its unit; undefined where the file has none. */
  readonly time: number | undefined;
  readonly numberOfPoints: number;
  readonly numberOfCells: number;

  #points: Points | (() => Points);
  #cells: Cells | (() => Cells);

  /** @throws ValueError when a field has another number of rows than there are points or cells. */
  constructor(parts: MeshParts = {}) {
    this.#points = parts.points ?? new Float32Array(0);
    this.#cells = parts.cells ?? noCells();
    this.numberOfPoints = parts.numberOfPoints ?? this.points.length / 3;
    this.numberOfCells = parts.numberOfCells ?? this.cells.types.length;
    this.pointData = checkRows("point", parts.pointData, this.numberOfPoints);
    this.cellData = checkRows("cell", parts.cellData, this.numberOfCells);
    this.fieldData = parts.fieldData ?? new FieldMap();
    this.blocks = parts.blocks ?? new Map<string, Mesh>();
    this.dimensions = parts.dimensions;
    this.image = parts.image;
    this.time = parts.time;
  }

  /** Coordinates (N, 3). Of a regular grid they are made when they are first asked for. */
  get points(): Points {
    if (typeof this.#points === "function") this.#points = this.#points();
    return this.#points;
  }

  /** Cells; of a structured mesh they are made when they are first asked for. */
  get cells(): Cells {
    if (typeof this.#cells === "function") this.#cells = this.#cells();
    return this.#cells;
  }

  /** The same mesh with some of its parts replaced; arrays are shared. `mesh.with({ blocks: new Map() })` is the mesh alone. */
  with(parts: MeshParts): Mesh {
    const { pointData, cellData, fieldData, blocks, dimensions, image, time, numberOfPoints, numberOfCells } = this;
    const geometry = { points: () => this.points, cells: () => this.cells, numberOfPoints, numberOfCells };
    return new Mesh({ ...geometry, pointData, cellData, fieldData, blocks, dimensions, image, time, ...parts });
  }

  /**
   * The block of a name.
   *
   * @throws ValueError that lists the names there are.
   */
  block(name: string): Mesh {
    const block = this.blocks.get(name);
    if (block !== undefined) return block;
    const names = [...this.blocks.keys()].map((key) => `"${key}"`).join(", ");
    throw new ValueError(`expected a block "${name}", got ${names === "" ? "no blocks" : names}`);
  }
}

function checkRows(kind: string, fields: FieldMap = new FieldMap(), expected: number): FieldMap {
  for (const [name, array] of fields) {
    const { rows } = rowsOf(array);
    if (rows !== expected)
      throw new ValueError(`expected ${expected} rows in the ${kind} field "${name}", one a ${kind}, got ${rows}`);
  }
  return fields;
}
