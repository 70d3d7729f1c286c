/** Points and surfaces in one HTML file that needs no network and no graphics card: what `noether-ts data inspect --html` writes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ValueError } from "../../config/python-errors";
import { packageRoot } from "../../torch/loader";
import { rowsOf, type NdArray } from "../readers/arrays";
import { cellPoints } from "../readers/cells";
import { writeFileWhole } from "../readers/file-sink";
import type { FieldMap, Mesh } from "../readers/mesh";
import { triangulate } from "../readers/triangles";
import { meshDimension } from "./summary";

/** A mesh, or a block of one, with its fields. */
export interface PicturePart {
  readonly name: string;
  readonly mesh: Mesh;
}

/** Options of {@link writePicture}. */
export interface PictureOptions {
  readonly title: string;
  /** One line below the title. */
  readonly about: string;
  /** Most points that are drawn of a part; a surface of at most twice as many triangles is drawn as one. */
  readonly mostPoints: number;
}

/** Parts that the viewer can tell from each other. */
const MOST_PARTS = 200;
const MOST_COMPONENTS = 9;

interface ViewerField {
  readonly name: string;
  readonly location: "points" | "cells";
  readonly components: number;
  readonly unit?: string;
  /** float32 as base64. */
  readonly values: string;
}

/** All parts of a mesh that can be drawn: itself and its blocks. */
export function pictureParts(name: string, mesh: Mesh): PicturePart[] {
  const own = mesh.numberOfPoints > 0 ? [{ name, mesh }] : [];
  return [...own, ...[...mesh.blocks].flatMap(([block, inner]) => pictureParts(`${name}/${block}`, inner))];
}

/** What is there when the file is opened: walls, else surfaces, else everything. */
function shownAtFirst(parts: readonly PicturePart[]): ReadonlySet<PicturePart> {
  const rules = [
    ({ mesh }: PicturePart) => mesh.fieldData.texts.get("type")?.[0] === "wall",
    ({ mesh }: PicturePart) => meshDimension(mesh) === 2,
  ];
  const rule = rules.find((each) => parts.some(each)) ?? (() => true);
  return new Set(parts.filter(rule));
}

/**
 * Writes the picture.
 *
 * @throws ValueError where there is nothing to draw; FileNotFoundError when the folder does not exist
 */
export function writePicture(path: string, parts: readonly PicturePart[], options: PictureOptions): void {
  const { title, about, mostPoints } = options;
  if (parts.length === 0)
    throw new ValueError(`expected points to draw in ${path}, got none: arrays have no points unless they say so`);
  const origin = centreOf(parts);
  const shown = shownAtFirst(parts);
  const drawn = parts
    .slice(0, MOST_PARTS)
    .map((part) => ({ ...viewerPart(part, origin, mostPoints), isShown: shown.has(part) }));
  const folder = join(packageRoot(), "templates", "picture");
  const data = JSON.stringify({ title, about, origin, parts: drawn }).replaceAll("<", "\\u003c");
  const page = readFileSync(join(folder, "index.html"), "utf8");
  const script = readFileSync(join(folder, "viewer.js"), "utf8");
  const filled = page
    .replace("__TITLE__", () => title.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`))
    .replace("__DATA__", () => data)
    .replace("__SCRIPT__", () => script);
  writeFileWhole(path, (sink) => sink.write(filled));
}

function viewerPart({ name, mesh }: PicturePart, origin: readonly number[], most: number): object {
  const triangles = meshDimension(mesh) === 2 ? surfaceOf(mesh, 2 * most) : undefined;
  const count = mesh.numberOfPoints.toLocaleString("en");
  if (triangles !== undefined) {
    const fields = [
      ...viewerFields(mesh.pointData, "points", undefined),
      ...viewerFields(mesh.cellData, "cells", triangles.cells).filter(({ name: field }) => !mesh.pointData.has(field)),
    ];
    const points = shifted(mesh.points, origin, allRows(mesh.numberOfPoints));
    return { name, count, points: base64(points), triangles: base64(triangles.corners), fields };
  }
  // cells are drawn as their centres where the fields are on them
  const onCells = mesh.numberOfCells > 0 && mesh.cellData.size > mesh.pointData.size;
  const rows = sampleRows(onCells ? mesh.numberOfCells : mesh.numberOfPoints, most);
  const points = onCells ? cellCentres(mesh, origin, rows) : shifted(mesh.points, origin, rows);
  const fields = viewerFields(onCells ? mesh.cellData : mesh.pointData, "points", rows);
  return { name, count, points: base64(points), triangles: null, fields };
}

/** Triangles of a surface and the cell of each; undefined where they are too many or other cells are among them. */
function surfaceOf(mesh: Mesh, most: number): { corners: Int32Array; cells: Int32Array } | undefined {
  const { connectivity, offsets, types } = mesh.cells;
  if (connectivity.length - 2 * types.length > most) return undefined;
  try {
    const corners = triangulate(mesh.cells);
    const cells = new Int32Array(corners.length / 3);
    let at = 0;
    for (let cell = 0; cell < types.length; cell++) {
      for (let i = offsets[cell]! + 2; i < offsets[cell + 1]!; i++) cells[at++] = cell;
    }
    return { corners, cells };
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}

function viewerFields(fields: FieldMap, location: "points" | "cells", rows: Int32Array | undefined): ViewerField[] {
  return [...fields].flatMap(([name, array]) => {
    const { components } = rowsOf(array);
    if (components < 1 || components > MOST_COMPONENTS) return [];
    const unit = fields.units.get(name);
    const values = base64(floatRows(array, components, rows));
    return [{ name, location, components, ...(unit !== undefined && { unit }), values }];
  });
}

function floatRows({ values }: NdArray, components: number, rows: Int32Array | undefined): Float32Array {
  if (rows === undefined) return Float32Array.from(values as Float64Array, Number);
  const result = new Float32Array(rows.length * components);
  for (let i = 0; i < rows.length; i++) {
    for (let c = 0; c < components; c++) result[i * components + c] = Number(values[rows[i]! * components + c]);
  }
  return result;
}

/** At most so many rows, one from each stretch of equal length, so that no pattern of the numbering shows. */
function sampleRows(total: number, most: number): Int32Array {
  if (total <= most) return allRows(total);
  let state = 1;
  return Int32Array.from({ length: most }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(((i + state / 2 ** 32) * total) / most);
  });
}

function allRows(total: number): Int32Array {
  return Int32Array.from({ length: total }, (_, i) => i);
}

function shifted(points: ArrayLike<number>, origin: readonly number[], rows: Int32Array): Float32Array {
  const result = new Float32Array(3 * rows.length);
  for (let i = 0; i < rows.length; i++) {
    for (let d = 0; d < 3; d++) result[3 * i + d] = points[3 * rows[i]! + d]! - origin[d]!;
  }
  return result;
}

/** Means of the points of cells. */
function cellCentres({ points, cells }: Mesh, origin: readonly number[], rows: Int32Array): Float32Array {
  const result = new Float32Array(3 * rows.length);
  for (let i = 0; i < rows.length; i++) {
    const corners = cellPoints(cells, rows[i]!);
    for (let d = 0; d < 3; d++) {
      let sum = 0;
      for (const point of corners) sum += points[3 * point + d]!;
      result[3 * i + d] = sum / corners.length - origin[d]!;
    }
  }
  return result;
}

/** Subtracted from all points, so that float32 keeps what differs. */
function centreOf(parts: readonly PicturePart[]): number[] {
  return [0, 1, 2].map((d) => {
    let [low, high] = [Infinity, -Infinity];
    for (const { mesh } of parts) {
      const { points } = mesh;
      for (let i = d; i < points.length; i += 3) {
        if (points[i]! < low) low = points[i]!;
        if (points[i]! > high && points[i]! < Infinity) high = points[i]!;
      }
    }
    const middle = (low + high) / 2;
    return Number.isFinite(middle) ? middle : 0;
  });
}

function base64(values: Float32Array | Int32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}
