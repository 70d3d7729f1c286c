/** What a mesh or a file of arrays holds, in numbers: what `noether-ts data inspect` prints. */
import { numericType, rowsOf, type NdArray, type NumericType } from "../readers/arrays";
import { CellType } from "../readers/cell-types";
import type { FieldMap, Mesh, Points } from "../readers/mesh";

/** Smallest, largest and mean value of the finite ones; null where there are none. */
export interface Range {
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
}

/** One field or array. */
export interface FieldSummary extends Range {
  readonly name: string;
  readonly dtype: NumericType | "text";
  readonly shape: readonly number[];
  /** As the file tells it. */
  readonly unit?: string;
  /** Values that are NaN. */
  readonly nan: number;
  /** Values that are infinite. */
  readonly infinite: number;
  /** Of each component, where there are 2 to 9. */
  readonly components?: readonly Range[];
  /** The first texts. */
  readonly texts?: readonly string[];
}

/** Where the fields of a mesh are. */
export type Location = "points" | "cells" | "whole";

/** A mesh, with its blocks or patches. */
export interface MeshSummary {
  readonly points: number;
  readonly cells: number;
  /** How many cells there are of each kind. */
  readonly cellKinds: Readonly<Record<string, number>>;
  /** 3 of a mesh with cells that fill space, 2 of a surface, 0 of lines and points. */
  readonly dimension: 0 | 2 | 3;
  /** `float32` or `float64`. */
  readonly coordinates: NumericType;
  /** Lowest and highest coordinates; null without points. */
  readonly bounds: { readonly min: readonly number[]; readonly max: readonly number[] } | null;
  /** Coordinates that are NaN or infinite. */
  readonly badCoordinates: number;
  /** Points along the axes, of structured meshes. */
  readonly dimensions?: readonly number[];
  readonly time?: number;
  readonly fields: Readonly<Record<Location, readonly FieldSummary[]>>;
  readonly blocks: Readonly<Record<string, MeshSummary>>;
}

const KIND_NAMES = new Map<number, string>(
  Object.entries(CellType).map(([name, type]) => [type, name.toLowerCase().replaceAll("_", " ")]),
);

/** Summarises a mesh and its blocks; goes through every value once. */
export function summariseMesh(mesh: Mesh): MeshSummary {
  const { dimensions, time } = mesh;
  return {
    points: mesh.numberOfPoints,
    cells: mesh.numberOfCells,
    cellKinds: kindsOf(mesh),
    dimension: meshDimension(mesh),
    coordinates: numericType(mesh.points),
    ...boundsOf(mesh.points),
    ...(dimensions && { dimensions }),
    ...(time !== undefined && { time }),
    fields: {
      points: summariseFields(mesh.pointData),
      cells: summariseFields(mesh.cellData),
      whole: summariseFields(mesh.fieldData),
    },
    blocks: Object.fromEntries([...mesh.blocks].map(([name, block]) => [name, summariseMesh(block)])),
  };
}

/** Summarises arrays by name, and texts after them. */
export function summariseFields(fields: FieldMap): FieldSummary[] {
  const numbers = [...fields].map(([name, array]) => summariseField(name, array, fields.units.get(name)));
  const texts = [...fields.texts].map(([name, all]): FieldSummary => {
    const none = { min: null, max: null, mean: null, nan: 0, infinite: 0 };
    return { name, dtype: "text", shape: [all.length], ...none, texts: all.slice(0, 3) };
  });
  return [...numbers, ...texts];
}

function summariseField(name: string, array: NdArray, unit: string | undefined): FieldSummary {
  const { values, shape } = array;
  const { components } = rowsOf(array);
  const parts = Array.from({ length: components >= 2 && components <= 9 ? components : 1 }, () => new Tally());
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) parts[i % parts.length]!.add(Number(values[i]));
  } else if (parts.length === 1) {
    parts[0]!.addAll(values as Float64Array, 0, 1);
  } else parts.forEach((part, c) => part.addAll(values as Float64Array, c, parts.length));
  const whole = parts.reduce((sum, part) => sum.with(part), new Tally());
  return {
    name,
    dtype: numericType(values),
    shape,
    ...(unit !== undefined && { unit }),
    ...whole.range(),
    nan: whole.nan,
    infinite: whole.infinite,
    ...(parts.length > 1 && { components: parts.map((part) => part.range()) }),
  };
}

/** Counts and sums of values one after the other. */
class Tally {
  min = Infinity;
  max = -Infinity;
  sum = 0;
  count = 0;
  nan = 0;
  infinite = 0;

  add(value: number): void {
    if (Number.isNaN(value)) this.nan++;
    else if (!Number.isFinite(value)) this.infinite++;
    else {
      this.count++;
      this.sum += value;
      if (value < this.min) this.min = value;
      if (value > this.max) this.max = value;
    }
  }

  addAll(values: Float64Array, first: number, step: number): void {
    for (let i = first; i < values.length; i += step) this.add(values[i]!);
  }

  with(other: Tally): Tally {
    const sum = new Tally();
    sum.min = Math.min(this.min, other.min);
    sum.max = Math.max(this.max, other.max);
    for (const key of ["sum", "count", "nan", "infinite"] as const) sum[key] = this[key] + other[key];
    return sum;
  }

  range(): Range {
    const { min, max, sum, count } = this;
    return count === 0 ? { min: null, max: null, mean: null } : { min, max, mean: sum / count };
  }
}

function boundsOf(points: Points): Pick<MeshSummary, "bounds" | "badCoordinates"> {
  const axes = [new Tally(), new Tally(), new Tally()];
  axes.forEach((axis, d) => axis.addAll(points as Float64Array, d, 3));
  const badCoordinates = axes.reduce((sum, { nan, infinite }) => sum + nan + infinite, 0);
  if (axes.some(({ count }) => count === 0)) return { bounds: null, badCoordinates };
  return { bounds: { min: axes.map(({ min }) => min), max: axes.map(({ max }) => max) }, badCoordinates };
}

/** Types of cells that fill space, and of those that lie in a surface. */
const { TETRA, VOXEL, HEXAHEDRON, WEDGE, PYRAMID, PENTAGONAL_PRISM, HEXAGONAL_PRISM, POLYHEDRON } = CellType;
const { QUADRATIC_TETRA, QUADRATIC_HEXAHEDRON, QUADRATIC_TRIANGLE, QUADRATIC_QUAD } = CellType;
const { TRIANGLE, TRIANGLE_STRIP, POLYGON, PIXEL, QUAD } = CellType;
const SOLID = new Set<number>([
  TETRA,
  VOXEL,
  HEXAHEDRON,
  WEDGE,
  PYRAMID,
  PENTAGONAL_PRISM,
  HEXAGONAL_PRISM,
  POLYHEDRON,
]);
for (const type of [QUADRATIC_TETRA, QUADRATIC_HEXAHEDRON]) SOLID.add(type);
const PLANE = new Set<number>([TRIANGLE, TRIANGLE_STRIP, POLYGON, PIXEL, QUAD, QUADRATIC_TRIANGLE, QUADRATIC_QUAD]);

/** 3 of a mesh with cells that fill space, 2 of a surface, 0 of lines and points. */
export function meshDimension(mesh: Mesh): 0 | 2 | 3 {
  const types = mesh.numberOfCells === 0 ? new Uint8Array(0) : mesh.cells.types;
  return types.some((type) => SOLID.has(type)) ? 3 : types.some((type) => PLANE.has(type)) ? 2 : 0;
}

function kindsOf(mesh: Mesh): Record<string, number> {
  if (mesh.numberOfCells === 0) return {};
  const counts = new Uint32Array(256);
  for (const type of mesh.cells.types) counts[type]!++;
  const kinds: Record<string, number> = {};
  counts.forEach((count, type) => {
    if (count > 0) kinds[KIND_NAMES.get(type) ?? `VTK type ${type}`] = count;
  });
  return kinds;
}
