import type { Mesh } from "../readers/mesh";
import type { Location } from "../geometry/surface-normals";
import { triangulate } from "../readers/triangles";
import { Canvas } from "./canvas";
import { colourOf, colourScale, Palette, type ColourScale } from "./colours";
import { encodePng } from "./png";

/** A field on the points or cells of a mesh. */
export interface DrawnField {
  readonly name: string;
  readonly mesh: Mesh;
  readonly location: Location;
  /** One number a point or cell. */
  readonly values: Float32Array | Float64Array;
}

/** How a field is drawn. */
export interface DrawOptions {
  /** So that several pictures have the same colours. Default: by the values. */
  readonly scale?: ColourScale;
  /** Pixels. Default 1200 × 800. */
  readonly width?: number;
  readonly height?: number;
}

/** Pixels beside the body: the colours stand at the right end. */
const BAR = 110;
const MARGIN = 40;

type Triple = [number, number, number];

/**
 * A picture of a field: a surface with light on it, or a cloud of points, seen from the front, the left and above; plane meshes from
 * above. The numbers beside the colours are the ends of their range.
 *
 * @returns a PNG file, whose `Title` names the field
 */
export function drawField(
  { name, mesh, location, values }: DrawnField,
  { scale = colourScale(values), width = 1200, height = 800 }: DrawOptions = {},
): Buffer {
  const canvas = new Canvas(width, height);
  const project = projection(mesh.points, canvas);
  const isSurface = mesh.numberOfCells > 0 && mesh.cells.types.every((type) => [5, 7, 9].includes(type));
  if (isSurface) drawSurface(canvas, mesh, location, values, scale, project);
  else drawPoints(canvas, mesh, location, values, scale, project);
  drawBar(canvas, scale);
  return encodePng(width, height, canvas.pixels, { Title: name.replace(/[^\x20-\x7e]/g, "?") });
}

/** From space to pixels, with the distance from the eye. */
type Project = (x: number, y: number, z: number) => Triple;

/** Where one looks from, right and up on the picture, and towards the eye. */
const VIEW: { readonly right: Triple; readonly up: Triple; readonly towards: Triple } = {
  right: [0.8, 0.6, 0],
  up: [0.24, -0.32, 0.9165],
  towards: [-0.55, 0.733, 0.4],
};
const FROM_ABOVE: typeof VIEW = { right: [1, 0, 0], up: [0, 1, 0], towards: [0, 0, 1] };

function projection(points: Mesh["points"], { width, height }: Canvas): Project {
  const lowest = [Infinity, Infinity, Infinity];
  const highest = [-Infinity, -Infinity, -Infinity];
  points.forEach((x, i) => {
    lowest[i % 3] = Math.min(lowest[i % 3]!, x);
    highest[i % 3] = Math.max(highest[i % 3]!, x);
  });
  const extent = highest.map((x, d) => x - lowest[d]!);
  const isPlane = extent[2]! <= 1e-9 * Math.max(extent[0]!, extent[1]!);
  const { right, up, towards } = isPlane ? FROM_ABOVE : VIEW;
  const dot = (a: Triple, x: number, y: number, z: number): number => a[0] * x + a[1] * y + a[2] * z;
  const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (let i = 0; i < points.length; i += 3) {
    const [u, v] = [right, up].map((axis) => dot(axis, points[i]!, points[i + 1]!, points[i + 2]!)) as [number, number];
    box.left = Math.min(box.left, u);
    box.right = Math.max(box.right, u);
    box.bottom = Math.min(box.bottom, v);
    box.top = Math.max(box.top, v);
  }
  const [wide, tall] = [width - BAR - 2 * MARGIN, height - 2 * MARGIN];
  const zoom = Math.min(wide / (box.right - box.left || 1), tall / (box.top - box.bottom || 1));
  return (x, y, z) => [
    MARGIN + wide / 2 + zoom * (dot(right, x, y, z) - (box.left + box.right) / 2),
    MARGIN + tall / 2 - zoom * (dot(up, x, y, z) - (box.bottom + box.top) / 2),
    zoom * dot(towards, x, y, z),
  ];
}

function drawSurface(
  canvas: Canvas,
  mesh: Mesh,
  location: Location,
  values: ArrayLike<number>,
  scale: ColourScale,
  project: Project,
): void {
  const { points, cells } = mesh;
  const palette = new Palette(scale);
  const triangles = triangulate(cells);
  const cellOf = location === "cells" ? cellsOfTriangles(cells.offsets) : null;
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = [0, 1, 2].map((k) => {
      const p = 3 * triangles[t + k]!;
      return project(points[p]!, points[p + 1]!, points[p + 2]!);
    }) as [Triple, Triple, Triple];
    const at = (k: number): number => values[cellOf === null ? triangles[t + k]! : cellOf[t / 3]!]!;
    const light = lightOn(...corners);
    canvas.triangle(corners, [at(0), at(1), at(2)], palette, light);
  }
}

/** From 0.55 to 1: how much a triangle faces the eye. */
function lightOn(a: Triple, b: Triple, c: Triple): number {
  const [ux, uy, uz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const [vx, vy, vz] = [c[0] - a[0], c[1] - a[1], c[2] - a[2]];
  const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(nx, ny, nz);
  return 0.55 + 0.45 * (length > 0 ? Math.abs(nz) / length : 1);
}

function cellsOfTriangles(offsets: Int32Array): number[] {
  const owner: number[] = [];
  for (let cell = 0; cell + 1 < offsets.length; cell++)
    for (let i = offsets[cell]! + 2; i < offsets[cell + 1]!; i++) owner.push(cell);
  return owner;
}

function drawPoints(
  canvas: Canvas,
  mesh: Mesh,
  location: Location,
  values: ArrayLike<number>,
  scale: ColourScale,
  project: Project,
): void {
  const { points, cells } = mesh;
  const corner = (row: number): number => (location === "points" ? row : cells.connectivity[cells.offsets[row]!]!);
  // a few points are large, so that they show
  const size = Math.max(2, Math.min(7, Math.round(0.4 * Math.sqrt((canvas.width * canvas.height) / values.length))));
  for (let row = 0; row < values.length; row++) {
    const p = 3 * corner(row);
    canvas.dot(project(points[p]!, points[p + 1]!, points[p + 2]!), size, colourOf(values[row]!, scale));
  }
}

function drawBar(canvas: Canvas, scale: ColourScale): void {
  const [left, top, bottom] = [canvas.width - BAR, 2 * MARGIN, canvas.height - 2 * MARGIN];
  for (let y = top; y < bottom; y++) {
    const value = scale.high - ((y - top) / (bottom - top)) * (scale.high - scale.low);
    canvas.rectangle(left, y, 24, 1, colourOf(value, scale));
  }
  for (const [y, value] of [
    [top, scale.high],
    [(top + bottom) / 2, (scale.low + scale.high) / 2],
    [bottom, scale.low],
  ] as const)
    canvas.number(left + 30, Math.round(y) - 5, value);
}
