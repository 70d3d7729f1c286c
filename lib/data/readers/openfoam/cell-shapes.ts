/** Cells from faces: tetrahedra, pyramids, wedges and hexahedra where the faces are theirs, polyhedra else. */
import { CellType } from "../cell-types";
import { GrowingArray } from "../growing-array";
import type { Cells } from "../mesh";
import type { PolyMesh } from "./poly-mesh";

/** Faces of each cell, one cell after the other, with where each begins: owned ones and others in the order of faces. */
export function facesOfCells({ owner, neighbour, numberOfCells }: PolyMesh): {
  faces: Int32Array;
  offsets: Int32Array;
} {
  const offsets = new Int32Array(numberOfCells + 1);
  for (let face = 0; face < owner.length; face++) offsets[owner[face]! + 1]!++;
  for (let face = 0; face < neighbour.length; face++) offsets[neighbour[face]! + 1]!++;
  for (let cell = 0; cell < numberOfCells; cell++) offsets[cell + 1]! += offsets[cell]!;
  const next = offsets.slice(0, numberOfCells);
  const faces = new Int32Array(owner.length + neighbour.length);
  for (let face = 0; face < owner.length; face++) {
    faces[next[owner[face]!]!++] = face;
    if (face < neighbour.length) faces[next[neighbour[face]!]!++] = face;
  }
  return { faces, offsets };
}

/** The cells of a mesh in VTK's types and order of points. */
export function cellsOf(mesh: PolyMesh): Cells {
  const { faces, offsets } = facesOfCells(mesh);
  const builder = new CellBuilder(mesh, faces);
  for (let cell = 0; cell < mesh.numberOfCells; cell++) builder.add(cell, offsets[cell]!, offsets[cell + 1]!);
  return builder.finish();
}

class CellBuilder {
  readonly #connectivity = new GrowingArray(Int32Array);
  readonly #offsets: Int32Array;
  readonly #types: Uint8Array;
  readonly #faces = new GrowingArray(Int32Array);
  readonly #faceEnds = new GrowingArray(Int32Array);
  readonly #cellOffsets: Int32Array;
  /** Points of the shape that is being built: the base, then what stands above it. */
  readonly #shape = new Int32Array(8);

  constructor(
    private readonly mesh: PolyMesh,
    private readonly cellFaces: Int32Array,
  ) {
    this.#offsets = new Int32Array(mesh.numberOfCells + 1);
    this.#cellOffsets = new Int32Array(mesh.numberOfCells + 1);
    this.#types = new Uint8Array(mesh.numberOfCells);
  }

  add(cell: number, first: number, last: number): void {
    const type = this.#shapeOf(cell, first, last);
    this.#types[cell] = type;
    if (type === CellType.POLYHEDRON) this.#polyhedron(cell, first, last);
    else for (let i = 0; i < POINTS[type]!; i++) this.#connectivity.push(this.#shape[i]!);
    this.#offsets[cell + 1] = this.#connectivity.length;
    this.#cellOffsets[cell + 1] = this.#faceEnds.length;
  }

  finish(): Cells {
    const cells = { connectivity: this.#connectivity.finish(), offsets: this.#offsets, types: this.#types };
    if (this.#faceEnds.length === 0) return cells;
    const offsets = new Int32Array(this.#faceEnds.length + 1);
    offsets.set(this.#faceEnds.finish(), 1);
    return { ...cells, faces: { connectivity: this.#faces.finish(), offsets, cellOffsets: this.#cellOffsets } };
  }

  /** The type by the number of triangles and quads, when the points fit. */
  #shapeOf(cell: number, first: number, last: number): number {
    const { faceOffsets } = this.mesh;
    const count = last - first;
    if (count < 4 || count > 6) return CellType.POLYHEDRON;
    let [triangles, quads, triangle, quad] = [0, 0, -1, -1];
    for (let i = first; i < last; i++) {
      const face = this.cellFaces[i]!;
      const size = faceOffsets[face + 1]! - faceOffsets[face]!;
      if (size === 3) {
        triangles++;
        if (triangle < 0) triangle = face;
      } else if (size === 4) {
        quads++;
        if (quad < 0) quad = face;
      } else return CellType.POLYHEDRON;
    }
    if (quads === 6) return this.#prism(cell, quad, first, last, 4, true) ? CellType.HEXAHEDRON : CellType.POLYHEDRON;
    if (triangles === 4 && quads === 0)
      return this.#cone(cell, triangle, first, last, 3) ? CellType.TETRA : CellType.POLYHEDRON;
    if (triangles === 4 && quads === 1)
      return this.#cone(cell, quad, first, last, 4) ? CellType.PYRAMID : CellType.POLYHEDRON;
    // the base of VTK's wedge looks out, that of all others in
    if (triangles === 2 && quads === 3)
      return this.#prism(cell, triangle, first, last, 3, false) ? CellType.WEDGE : CellType.POLYHEDRON;
    return CellType.POLYHEDRON;
  }

  /** Puts the points of a face into the shape, so that by the right-hand rule it looks into the cell or out of it. */
  #base(cell: number, face: number, size: number, inward: boolean): void {
    const { faces, faceOffsets, owner } = this.mesh;
    const start = faceOffsets[face]!;
    const isReversed = (owner[face] === cell) === inward;
    for (let i = 0; i < size; i++) this.#shape[i] = faces[start + (isReversed ? (size - i) % size : i)]!;
  }

  /** One point beside the base. */
  #cone(cell: number, base: number, first: number, last: number, size: number): boolean {
    this.#base(cell, base, size, true);
    const { faces, faceOffsets } = this.mesh;
    let apex = -1;
    for (let i = first; i < last; i++) {
      const face = this.cellFaces[i]!;
      for (let j = faceOffsets[face]!; j < faceOffsets[face + 1]!; j++) {
        const point = faces[j]!;
        if (this.#inBase(point, size)) continue;
        if (apex >= 0 && point !== apex) return false;
        apex = point;
      }
    }
    this.#shape[size] = apex;
    return apex >= 0;
  }

  /** A point above each point of the base: its neighbour in the faces at the sides. */
  #prism(cell: number, base: number, first: number, last: number, size: number, inward: boolean): boolean {
    this.#base(cell, base, size, inward);
    const { faces, faceOffsets } = this.mesh;
    const shape = this.#shape;
    for (let i = 0; i < size; i++) shape[size + i] = -1;
    for (let f = first; f < last; f++) {
      const face = this.cellFaces[f]!;
      if (face === base) continue;
      const [start, end] = [faceOffsets[face]!, faceOffsets[face + 1]!];
      for (let j = start; j < end; j++) {
        const corner = this.#baseIndex(faces[j]!, size);
        if (corner < 0) continue;
        const before = faces[j === start ? end - 1 : j - 1]!;
        const after = faces[j === end - 1 ? start : j + 1]!;
        const [isBefore, isAfter] = [this.#inBase(before, size), this.#inBase(after, size)];
        // a face at the side has one edge of the base and goes up at both ends of it
        if (isBefore === isAfter) return false;
        const above = isBefore ? after : before;
        if (shape[size + corner]! >= 0 && shape[size + corner] !== above) return false;
        shape[size + corner] = above;
      }
    }
    for (let i = size; i < 2 * size; i++) {
      if (shape[i]! < 0) return false;
      for (let j = size; j < i; j++) if (shape[i] === shape[j]) return false;
    }
    return true;
  }

  #baseIndex(point: number, size: number): number {
    for (let i = 0; i < size; i++) if (this.#shape[i] === point) return i;
    return -1;
  }

  #inBase(point: number, size: number): boolean {
    return this.#baseIndex(point, size) >= 0;
  }

  /** Faces that look out of the cell, and their points. */
  #polyhedron(cell: number, first: number, last: number): void {
    const { faces, faceOffsets, owner } = this.mesh;
    const own = new Set<number>();
    for (let f = first; f < last; f++) {
      const face = this.cellFaces[f]!;
      const [start, end] = [faceOffsets[face]!, faceOffsets[face + 1]!];
      for (let i = 0; i < end - start; i++) {
        const point = faces[owner[face] === cell ? start + i : end - 1 - i]!;
        this.#faces.push(point);
        own.add(point);
      }
      this.#faceEnds.push(this.#faces.length);
    }
    for (const point of [...own].sort((a, b) => a - b)) this.#connectivity.push(point);
  }
}

const POINTS: Readonly<Record<number, number>> = {
  [CellType.TETRA]: 4,
  [CellType.PYRAMID]: 5,
  [CellType.WEDGE]: 6,
  [CellType.HEXAHEDRON]: 8,
};
