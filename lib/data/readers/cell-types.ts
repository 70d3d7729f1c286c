/** Types of cells by VTK's numbers (VTK file formats, "Cell types"). */
export const CellType = {
  VERTEX: 1,
  POLY_VERTEX: 2,
  LINE: 3,
  POLY_LINE: 4,
  TRIANGLE: 5,
  TRIANGLE_STRIP: 6,
  POLYGON: 7,
  PIXEL: 8,
  QUAD: 9,
  TETRA: 10,
  VOXEL: 11,
  HEXAHEDRON: 12,
  WEDGE: 13,
  PYRAMID: 14,
  PENTAGONAL_PRISM: 15,
  HEXAGONAL_PRISM: 16,
  QUADRATIC_EDGE: 21,
  QUADRATIC_TRIANGLE: 22,
  QUADRATIC_QUAD: 23,
  QUADRATIC_TETRA: 24,
  QUADRATIC_HEXAHEDRON: 25,
  POLYHEDRON: 42,
} as const;

/** The type of a plane cell with so many corners. */
export function polygonType(corners: number): number {
  return corners === 3 ? CellType.TRIANGLE : corners === 4 ? CellType.QUAD : CellType.POLYGON;
}

/** The type of a line through so many points. */
export function lineType(points: number): number {
  return points === 2 ? CellType.LINE : CellType.POLY_LINE;
}

/** The type of a cell of so many loose points. */
export function vertexType(points: number): number {
  return points === 1 ? CellType.VERTEX : CellType.POLY_VERTEX;
}
