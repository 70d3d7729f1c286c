import type { Mesh } from "../../data";
import { isSurface } from "../../data/geometry/cell-geometry";
import { cellPoints } from "../../data/readers/cells";
import { triangulate } from "../../data/readers/triangles";
import type { CaseDomain } from "../cases/case-files";
import type { PredictedCase } from "../cases/write-prediction";
import type { PredictedField } from "../predict/field-buffers";
import type { DescribedRun } from "../predict/run-fields";

/** A field on the points of a {@link SceneDomain}; float32 as base64. */
export interface SceneField {
  readonly name: string;
  readonly components: number;
  readonly predicted: string;
  /** Where the case has the truth. */
  readonly truth: string | null;
}

/** Points, or a surface, with the fields on them. */
export interface SceneDomain {
  readonly name: string;
  /** (N, 3) float32 as base64. */
  readonly points: string;
  /** (T, 3) uint32 as base64; null: points alone. */
  readonly triangles: string | null;
  readonly fields: readonly SceneField[];
}

/** A predicted case as the page draws it. */
export interface Scene {
  readonly title: string;
  readonly about: string;
  readonly domains: readonly SceneDomain[];
}

/** Points of a domain without a surface that are drawn. */
const MOST_POINTS = 200_000;

/** What the page shows of a prediction: surfaces whole, of volumes a part of the points. */
export function sceneOf(run: DescribedRun, { files, fields }: PredictedCase, about: string): Scene {
  const domains = files.domains.map((domain) => {
    const drawn = drawnPoints(domain);
    const own = run.outputs.filter((output) => output.domain === domain.name);
    return {
      name: domain.name,
      points: base64(drawn.points),
      triangles: drawn.triangles === null ? null : base64(drawn.triangles),
      fields: own.map((output): SceneField => {
        const values = fields[output.name]!;
        const truth = domain.truth.get(output.name);
        const components = values.shape[1] ?? 1;
        return {
          name: output.field,
          components,
          predicted: base64(picked(values, drawn.rows)),
          truth: truth === undefined ? null : base64(picked(truth, drawn.rows)),
        };
      }),
    };
  });
  return { title: files.name, about, domains };
}

interface Drawn {
  readonly points: Float32Array;
  readonly triangles: Uint32Array | null;
  /** Which row of the fields each point has. */
  readonly rows: Uint32Array;
}

function drawnPoints({ mesh, location, positions }: CaseDomain): Drawn {
  if (mesh === null || !isSurface(mesh.cells)) return someOf(positions);
  const triangles = triangulate(mesh.cells);
  if (location === "points") {
    const rows = Uint32Array.from({ length: mesh.numberOfPoints }, (_, i) => i);
    return { points: Float32Array.from(mesh.points), triangles: Uint32Array.from(triangles), rows };
  }
  return ofCells(mesh, triangles);
}

/** Triangles with corners of their own, which have the values of their cell. */
function ofCells(mesh: Mesh, triangles: Int32Array): Drawn {
  const points = new Float32Array(3 * triangles.length);
  const rows = new Uint32Array(triangles.length);
  triangles.forEach((point, corner) => points.set(mesh.points.subarray(3 * point, 3 * point + 3), 3 * corner));
  let corner = 0;
  for (let cell = 0; cell < mesh.numberOfCells; cell++) {
    const count = 3 * Math.max(0, cellPoints(mesh.cells, cell).length - 2);
    rows.fill(cell, corner, corner + count);
    corner += count;
  }
  return { points, triangles: Uint32Array.from(triangles, (_, i) => i), rows };
}

function someOf(positions: PredictedField): Drawn {
  const count = positions.shape[0]!;
  const dims = positions.shape[1] ?? 1;
  const step = Math.ceil(count / MOST_POINTS);
  const rows = Uint32Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
  const points = new Float32Array(3 * rows.length);
  rows.forEach((row, i) => points.set(positions.values.subarray(row * dims, row * dims + dims), 3 * i));
  return { points, triangles: null, rows };
}

function picked({ values, shape }: PredictedField, rows: Uint32Array): Float32Array {
  const width = shape[1] ?? 1;
  const result = new Float32Array(rows.length * width);
  rows.forEach((row, i) => result.set(values.subarray(row * width, row * width + width), i * width));
  return result;
}

function base64(values: Float32Array | Uint32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}
