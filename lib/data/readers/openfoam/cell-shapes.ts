/** Cells from faces: tetrahedra, pyramids, wedges and hexahedra where the faces are theirs, polyhedra else. */
import { CellType } from "../cell-types";
import { GrowingArray } from "../growing-array";
import type { Cells } from "../mesh";
import type { PolyMesh } from "./poly-mesh";

const { TETRA, PYRAMID, WEDGE, HEXAHEDRON, POLYHEDRON } = CellType;

/** Faces of each cell, one cell after the other, with where each begins: owned ones and others in the order of faces. */
function facesOfCells({ owner, neighbour, numberOfCells }: PolyMesh): {
  faces: Int32Array;
  offsets: Int32Array;
} {
  const offsets = new Int32Array(numberOfCells + 1);
  for (let face = 0; face < owner.length; face++) offsets[owner[face]! + 1]!++;
  for (let face = 0; face < neighbour.length; face++) offsets[neighbour[face]! + 1]!++;
  for (let cell = 0; cell < numberOfCells; cell++) offsets[cell + 1]! += offsets[cell]!;
  const next = offsets.slice(0, numberOfCells);
  const faces = new Int32Array(owner.length + neighbour.length);
  const inside = neighbour.length;
  for (let face = 0; face < inside; face++) {
    faces[next[owner[face]!]!++] = face;
    faces[next[neighbour[face]!]!++] = face;
  }
  for (let face = inside; face < owner.length; face++) faces[next[owner[face]!]!++] = face;
  return { faces, offsets };
}

/** The cells of a mesh in VTK's types and order of points. */
export function cellsOf(mesh: PolyMesh): Cells {
  const { numberOfCells } = mesh;
  const cellFaces = facesOfCells(mesh);
  const shapes = new ShapeFinder(mesh, cellFaces.faces);
  const polyhedra = new PolyhedronList(mesh, cellFaces.faces);
  const types = new Uint8Array(numberOfCells);
  const offsets = new Int32Array(numberOfCells + 1);
  const cellOffsets = new Int32Array(numberOfCells + 1);
  let connectivity = new Int32Array(8 * numberOfCells);
  let length = 0;
  for (let cell = 0; cell < numberOfCells; cell++) {
    const [first, last] = [cellFaces.offsets[cell]!, cellFaces.offsets[cell + 1]!];
    const type = shapes.find(cell, first, last);
    const points = type === POLYHEDRON ? polyhedra.add(cell, first, last) : shapes.points;
    const count = type === POLYHEDRON ? points.length : shapes.count;
    if (length + count > connectivity.length) {
      const larger = new Int32Array(2 * (length + count));
      larger.set(connectivity);
      connectivity = larger;
    }
    for (let i = 0; i < count; i++) connectivity[length + i] = points[i]!;
    length += count;
    types[cell] = type;
    offsets[cell + 1] = length;
    cellOffsets[cell + 1] = polyhedra.numberOfFaces;
  }
  if (length < connectivity.length) connectivity = connectivity.slice(0, length);
  const cells = { connectivity, offsets, types };
  return polyhedra.numberOfFaces === 0 ? cells : { ...cells, faces: { ...polyhedra.finish(), cellOffsets } };
}

/** Faces that look out of their cells, and the points of the cells. */
class PolyhedronList {
  readonly #connectivity = new GrowingArray(Int32Array);
  readonly #ends = new GrowingArray(Int32Array);

  constructor(
    private readonly mesh: PolyMesh,
    private readonly cellFaces: Int32Array,
  ) {}

  get numberOfFaces(): number {
    return this.#ends.length;
  }

  /** Returns the points of the cell, in their order. */
  add(cell: number, first: number, last: number): Int32Array {
    const { faces, faceOffsets, owner } = this.mesh;
    const own = new Set<number>();
    for (let f = first; f < last; f++) {
      const face = this.cellFaces[f]!;
      const [start, end] = [faceOffsets[face]!, faceOffsets[face + 1]!];
      for (let i = 0; i < end - start; i++) {
        const point = faces[owner[face] === cell ? start + i : end - 1 - i]!;
        this.#connectivity.push(point);
        own.add(point);
      }
      this.#ends.push(this.#connectivity.length);
    }
    return Int32Array.from(own).sort();
  }

  finish(): { connectivity: Int32Array; offsets: Int32Array } {
    const offsets = new Int32Array(this.#ends.length + 1);
    offsets.set(this.#ends.finish(), 1);
    return { connectivity: this.#connectivity.finish(), offsets };
  }
}

/** Finds the shape of a cell by the number of triangles and quads: a base, and what stands above it. */
class ShapeFinder {
  /** Points of the last cell, of which the first `count` count. */
  readonly points = new Int32Array(8);
  count = 0;

  constructor(
    private readonly mesh: PolyMesh,
    private readonly cellFaces: Int32Array,
  ) {}

  /** The type of a cell with the given part of the list of faces; polyhedron where the points do not fit. */
  find(cell: number, first: number, last: number): number {
    const number = last - first;
    if (number < 4 || number > 6) return POLYHEDRON;
    const { faceOffsets } = this.mesh;
    let triangles = 0;
    let quads = 0;
    let triangle = -1;
    let quad = -1;
    for (let i = first; i < last; i++) {
      const face = this.cellFaces[i]!;
      const size = faceOffsets[face + 1]! - faceOffsets[face]!;
      if (size === 4) {
        quads++;
        if (quad < 0) quad = face;
      } else if (size === 3) {
        triangles++;
        if (triangle < 0) triangle = face;
      } else return POLYHEDRON;
    }
    let type: number = POLYHEDRON;
    let fits = false;
    if (quads === 6) {
      type = HEXAHEDRON;
      this.#base(cell, quad, 4, true);
      fits = this.#side(quad, first, last, 0, 1, 4) && this.#side(quad, first, last, 2, 3, 4);
    } else if (triangles === 2 && quads === 3) {
      type = WEDGE;
      // the base of VTK's wedge looks out, that of all others in
      this.#base(cell, triangle, 3, false);
      fits = this.#side(triangle, first, last, 0, 1, 3) && this.#side(triangle, first, last, 1, 2, 3);
    } else if (triangles === 4 && quads === 1) {
      type = PYRAMID;
      this.#base(cell, quad, 4, true);
      fits = this.#apex(first, last, 4);
    } else if (triangles === 4 && quads === 0) {
      type = TETRA;
      this.#base(cell, triangle, 3, true);
      fits = this.#apex(first, last, 3);
    }
    return fits && this.#areDistinct() ? type : POLYHEDRON;
  }

  /** The points of the base, by the right-hand rule looking into the cell or out of it. */
  #base(cell: number, face: number, size: number, inward: boolean): void {
    const { faces, faceOffsets, owner } = this.mesh;
    const start = faceOffsets[face]!;
    const isReversed = (owner[face] === cell) === inward;
    this.points[0] = faces[start]!;
    for (let i = 1; i < size; i++) this.points[i] = faces[start + (isReversed ? size - i : i)]!;
  }

  /** The one point that is not in the base. */
  #apex(first: number, last: number, size: number): boolean {
    const { faces, faceOffsets } = this.mesh;
    const { points } = this;
    let apex = -1;
    for (let f = first; f < last; f++) {
      const face = this.cellFaces[f]!;
      for (let j = faceOffsets[face]!; j < faceOffsets[face + 1]!; j++) {
        const point = faces[j]!;
        if (point === points[0] || point === points[1] || point === points[2]) continue;
        if (size === 4 && point === points[3]) continue;
        if (apex >= 0 && point !== apex) return false;
        apex = point;
      }
    }
    points[size] = apex;
    this.count = size + 1;
    return apex >= 0;
  }

  /** The points above two neighbours of the base, from the quad that stands on them. */
  #side(base: number, first: number, last: number, i: number, j: number, size: number): boolean {
    const { faces, faceOffsets } = this.mesh;
    const { points, cellFaces } = this;
    const a = points[i]!;
    const b = points[j]!;
    this.count = 2 * size;
    for (let f = first; f < last; f++) {
      const face = cellFaces[f]!;
      const start = faceOffsets[face]!;
      if (face === base || faceOffsets[face + 1]! - start !== 4) continue;
      const v0 = faces[start]!;
      const v1 = faces[start + 1]!;
      const v2 = faces[start + 2]!;
      const v3 = faces[start + 3]!;
      let aboveA = -1;
      let aboveB = -1;
      if ((v0 === a && v1 === b) || (v0 === b && v1 === a)) {
        aboveA = v0 === a ? v3 : v2;
        aboveB = v0 === a ? v2 : v3;
      } else if ((v1 === a && v2 === b) || (v1 === b && v2 === a)) {
        aboveA = v1 === a ? v0 : v3;
        aboveB = v1 === a ? v3 : v0;
      } else if ((v2 === a && v3 === b) || (v2 === b && v3 === a)) {
        aboveA = v2 === a ? v1 : v0;
        aboveB = v2 === a ? v0 : v1;
      } else if ((v3 === a && v0 === b) || (v3 === b && v0 === a)) {
        aboveA = v3 === a ? v2 : v1;
        aboveB = v3 === a ? v1 : v2;
      } else continue;
      points[size + i] = aboveA;
      points[size + j] = aboveB;
      return true;
    }
    return false;
  }

  #areDistinct(): boolean {
    const { points, count } = this;
    for (let i = 1; i < count; i++) {
      const point = points[i];
      for (let j = 0; j < i; j++) if (points[j] === point) return false;
    }
    return true;
  }
}
