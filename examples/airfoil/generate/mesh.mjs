/**
 * Structured C-mesh around an airfoil, written as an OpenFOAM polyMesh of one cell in depth.
 *
 * Index i runs along the C: far end of the wake (lower side), trailing edge, lower surface, leading edge, upper surface,
 * trailing edge, far end of the wake (upper side). Index j runs from the surface (or the wake cut, where the two sides
 * share their points) to the far field. Cell (i, j) has the number i * layers + j.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { camberLine, contour } from "./naca.mjs";

/** Ratio of a geometric series of `n` cells that starts with `first` and sums to `total`. */
function growth(first, total, n) {
  let low = 1 + 1e-9;
  let high = 3;
  for (let k = 0; k < 80; k++) {
    const r = 0.5 * (low + high);
    if ((first * (r ** n - 1)) / (r - 1) < total) low = r;
    else high = r;
  }
  return 0.5 * (low + high);
}

const smoothstep = (t) => (t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t));

/**
 * Nodes of the mesh.
 *
 * @param shape section as in naca.mjs
 * @param options surface: cells around the airfoil (even); wake: cells along the wake; layers: cells to the far field;
 *   firstCell: height of the cells on the surface; radius: distance of the far field; all lengths in chords
 * @returns {{ columns: number, layers: number, wake: number, node: (i: number, j: number) => number[] }}
 */
export function buildGrid(shape, { surface = 160, wake = 40, layers = 56, firstCell = 3e-4, radius = 20 } = {}) {
  const body = contour(shape, surface);
  const columns = surface + 2 * wake;

  // Inner line: the wake leaves along the camber line and bends into the chord's direction.
  const { slope } = camberLine(1, shape);
  const firstWake = Math.hypot(body[0][0] - body[1][0], body[0][1] - body[1][1]);
  const wakeRatio = growth(firstWake, radius, wake);
  const bend = 0.5;
  const wakeLine = [];
  for (let k = 1; k <= wake; k++) {
    const x = (firstWake * (wakeRatio ** k - 1)) / (wakeRatio - 1);
    wakeLine.push([1 + x, slope * bend * (1 - Math.exp(-x / bend))]);
  }
  const inner = [...[...wakeLine].reverse(), ...body, ...wakeLine];

  // Outer line: straight below, half circle in front, straight above. Evenly spaced on the half circle; on the straight
  // parts the spacing grows from that value.
  const arcStep = (Math.PI * radius) / surface;
  const straightRatio = growth(arcStep, radius, wake);
  const outer = [];
  for (let i = 0; i <= columns; i++) {
    const k = i < wake ? wake - i : i > wake + surface ? i - wake - surface : 0;
    if (k > 0) {
      const x = (arcStep * (straightRatio ** k - 1)) / (straightRatio - 1);
      outer.push([1 + x, i < wake ? -radius : radius]);
    } else {
      const angle = -Math.PI / 2 - (Math.PI * (i - wake)) / surface;
      outer.push([1 + radius * Math.cos(angle), radius * Math.sin(angle)]);
    }
  }

  // Directions in which the grid lines leave the inner line: its normals, smoothed where the surface meets the wake.
  const normals = inner.map((_, i) => {
    const a = inner[Math.max(0, i - 1)];
    const b = inner[Math.min(columns, i + 1)];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    return [-(b[1] - a[1]) / length, (b[0] - a[0]) / length];
  });
  for (let pass = 0; pass < 1500; pass++) {
    const before = normals.map((n) => [...n]);
    for (let i = 1; i < columns; i++) {
      const nearest = Math.min(Math.abs(i - wake), Math.abs(i - wake - surface));
      const weight = 0.5 * Math.exp(-((nearest / 30) ** 2)) + 0.01;
      for (const c of [0, 1]) normals[i][c] += weight * (0.5 * (before[i - 1][c] + before[i + 1][c]) - before[i][c]);
      const length = Math.hypot(...normals[i]);
      normals[i][0] /= length;
      normals[i][1] /= length;
    }
  }

  const grid = [];
  for (let i = 0; i <= columns; i++) {
    const [px, py] = inner[i];
    const [qx, qy] = outer[i];
    const total = Math.hypot(qx - px, qy - py);
    const behind = Math.max(0, px - 1);
    // Off the surface the cells may be higher: keeps the aspect ratio of the far wake bounded.
    const first = firstCell + 0.006 * Math.min(behind, 5) * smoothstep(behind / 2);
    const ratio = growth(first / total, 1, layers);
    const column = [];
    for (let j = 0; j <= layers; j++) {
      const t = j === layers ? 1 : ((first / total) * (ratio ** j - 1)) / (ratio - 1);
      const w = smoothstep(Math.sqrt(t) / 0.7);
      column.push([
        px + t * ((1 - w) * normals[i][0] * total + w * (qx - px)),
        py + t * ((1 - w) * normals[i][1] * total + w * (qy - py)),
      ]);
    }
    grid.push(column);
  }
  // One line of points for both sides of the wake cut, exactly.
  for (let i = 0; i <= wake; i++) grid[columns - i][0] = grid[i][0];

  const mesh = { columns, layers, wake, node: (i, j) => grid[i][j] };
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < layers; j++) {
      if (!(cellArea(mesh, i, j) > 0)) throw new Error(`the mesh has a folded cell at column ${i}, layer ${j}`);
    }
  }
  return mesh;
}

/** Corners of a cell, anticlockwise. */
const corners = (mesh, i, j) => [mesh.node(i, j), mesh.node(i + 1, j), mesh.node(i + 1, j + 1), mesh.node(i, j + 1)];

/** Area of a cell; positive when it is not folded. */
export function cellArea(mesh, i, j) {
  const [a, b, c, d] = corners(mesh, i, j);
  const cross = (p, q, r) => (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
  // All four corner triangles must have the right orientation.
  const parts = [cross(a, b, c), cross(b, c, d), cross(c, d, a), cross(d, a, b)];
  return Math.min(...parts) > 0 ? 0.5 * (parts[0] + parts[2]) : -1;
}

/** Centre of a cell. */
export function cellCentre(mesh, i, j) {
  const p = corners(mesh, i, j);
  return [0, 1].map((c) => (p[0][c] + p[1][c] + p[2][c] + p[3][c]) / 4);
}

const header = (type, object) =>
  `FoamFile { version 2.0; format ascii; class ${type}; location "constant/polyMesh"; object ${object}; }\n`;

/** Write `mesh` into `<directory>/constant/polyMesh`: patches airfoil (wall), farfield, frontAndBack (empty); depth 1. */
export function writePolyMesh(mesh, directory) {
  const { columns, layers, wake } = mesh;
  const points = [];
  const number = Array.from({ length: columns + 1 }, () => new Array(layers + 1));
  for (let i = 0; i <= columns; i++) {
    for (let j = 0; j <= layers; j++) {
      if (j === 0 && i >= columns - wake) number[i][j] = number[columns - i][j];
      else {
        number[i][j] = points.length;
        points.push(mesh.node(i, j));
      }
    }
  }
  const back = points.length;
  const cell = (i, j) => i * layers + j;
  const internal = [];
  const airfoil = [];
  const farfield = [];
  const frontAndBack = [];
  // A face of the 2-D grid from point a to point b; the normal of (a0, b0, b1, a1) is the edge turned clockwise.
  const edge = (a, b) => [a, b, b + back, a + back];
  const turned = (a, b) => edge(b, a);

  for (let i = 0; i <= columns; i++) {
    for (let j = 0; j < layers; j++) {
      const a = number[i][j];
      const b = number[i][j + 1];
      // Walking outward (a to b), column i lies on the right-hand side.
      if (i === 0) farfield.push({ owner: cell(0, j), face: turned(a, b) });
      else if (i === columns) farfield.push({ owner: cell(columns - 1, j), face: edge(a, b) });
      else internal.push({ owner: cell(i - 1, j), neighbour: cell(i, j), face: edge(a, b) });
    }
  }
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j <= layers; j++) {
      const a = number[i][j];
      const b = number[i + 1][j];
      if (j === layers) farfield.push({ owner: cell(i, j - 1), face: turned(a, b) });
      else if (j > 0) internal.push({ owner: cell(i, j - 1), neighbour: cell(i, j), face: turned(a, b) });
      else if (i >= wake && i < columns - wake) airfoil.push({ owner: cell(i, 0), face: edge(a, b) });
      else if (i < wake) internal.push({ owner: cell(i, 0), neighbour: cell(columns - 1 - i, 0), face: edge(a, b) });
    }
  }
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < layers; j++) {
      // Anticlockwise seen from z > 1, so that it points outward on z = 1; the other way round on z = 0.
      const loop = [number[i][j], number[i + 1][j], number[i + 1][j + 1], number[i][j + 1]];
      frontAndBack.push({ owner: cell(i, j), face: [...loop].reverse() });
      frontAndBack.push({ owner: cell(i, j), face: loop.map((n) => n + back) });
    }
  }
  internal.sort((a, b) => a.owner - b.owner || a.neighbour - b.neighbour);
  const faces = [...internal, ...airfoil, ...farfield, ...frontAndBack];

  const folder = join(directory, "constant", "polyMesh");
  mkdirSync(folder, { recursive: true });
  const list = (name, type, lines) =>
    writeFileSync(join(folder, name), `${header(type, name)}${lines.length}\n(\n${lines.join("\n")}\n)\n`);
  const all = [0, 1].flatMap((z) => points.map(([x, y]) => `(${x.toPrecision(12)} ${y.toPrecision(12)} ${z})`));
  list("points", "vectorField", all);
  list(
    "faces",
    "faceList",
    faces.map(({ face }) => `4(${face.join(" ")})`),
  );
  list(
    "owner",
    "labelList",
    faces.map(({ owner }) => owner),
  );
  list(
    "neighbour",
    "labelList",
    internal.map(({ neighbour }) => neighbour),
  );
  let start = internal.length;
  const patch = (name, type, list) => {
    const text = `${name} { type ${type}; nFaces ${list.length}; startFace ${start}; }`;
    start += list.length;
    return text;
  };
  list("boundary", "polyBoundaryMesh", [
    patch("airfoil", "wall", airfoil),
    patch("farfield", "patch", farfield),
    patch("frontAndBack", "empty", frontAndBack),
  ]);
}
