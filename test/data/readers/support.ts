/** Meshes as the fixtures describe them: what VTK read from the same bytes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Mesh, NdArray } from "../../../lib/data/readers";
import { numericType } from "../../../lib/data/readers/arrays";
import type { FieldMap } from "../../../lib/data/readers/mesh";

export interface DescribedArray {
  type: string;
  shape: number[];
  values: (number | string)[];
}
interface DescribedFields {
  numbers: Record<string, DescribedArray>;
  texts: Record<string, string[]>;
}
export interface Described {
  points: DescribedArray;
  cells: { type: number; points: number[]; faces?: number[][] }[];
  pointData: DescribedFields;
  cellData: DescribedFields;
  fieldData: DescribedFields;
  dimensions?: number[];
  blocks?: Record<string, Described>;
}

export const fixtures = join(__dirname, "fixtures");

export function readFixture<T>(name: string): T {
  return JSON.parse(gunzipSync(readFileSync(join(fixtures, name))).toString()) as T;
}

/** An array in the form of the fixtures. */
export function describeArray({ values, shape }: NdArray): DescribedArray {
  const isLong = values instanceof BigInt64Array || values instanceof BigUint64Array;
  const text = (value: number) => (Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf");
  const list = Array.from(values as Float64Array, (value) =>
    isLong ? String(value) : Number.isFinite(value) ? value : text(value),
  );
  return { type: numericType(values), shape: [...shape], values: list };
}

export function describeFields(fields: FieldMap): DescribedFields {
  return {
    numbers: Object.fromEntries([...fields].map(([name, array]) => [name, describeArray(array)])),
    texts: Object.fromEntries([...fields.texts].map(([name, texts]) => [name, [...texts]])),
  };
}

/** A mesh in the form of the fixtures. */
export function describeMesh(mesh: Mesh): Described {
  const { connectivity, offsets, types, faces } = mesh.cells;
  const cells = Array.from(types, (type, cell) => {
    const points = [...connectivity.subarray(offsets[cell], offsets[cell + 1])];
    if (faces === undefined || type !== 42) return { type, points };
    const own: number[][] = [];
    for (let face = faces.cellOffsets[cell]!; face < faces.cellOffsets[cell + 1]!; face++)
      own.push([...faces.connectivity.subarray(faces.offsets[face], faces.offsets[face + 1])]);
    return { type, points, faces: own };
  });
  return {
    points: describeArray({ values: mesh.points, shape: [mesh.numberOfPoints, 3] }),
    cells,
    pointData: describeFields(mesh.pointData),
    cellData: describeFields(mesh.cellData),
    fieldData: describeFields(mesh.fieldData),
    ...(mesh.dimensions && { dimensions: [...mesh.dimensions] }),
  };
}
