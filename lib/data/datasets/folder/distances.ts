import { ValueError } from "../../../config/python-errors";
import { SurfaceDistance } from "../../geometry/signed-distance";
import { CellType } from "../../readers/cell-types";
import type { Mesh } from "../../readers/mesh";
import { triangulate } from "../../readers/triangles";
import { allRows, type Values } from "./values";

const FLAT: ReadonlySet<number> = new Set([CellType.TRIANGLE, CellType.QUAD, CellType.POLYGON]);

/**
 * Distances (N) of positions to a surface.
 *
 * @param positions three channels, in the unit of the surface's points
 * @throws ValueError for positions in the plane, and where the mesh is no surface of triangles, quads and polygons
 */
export function distances(positions: Values, { points, cells }: Mesh, isSigned: boolean): Float64Array {
  if (positions.channels !== 3)
    throw new ValueError(`distances need positions with 3 components, these have ${positions.channels}`);
  if (cells.types.length === 0)
    throw new ValueError("distances need a surface of triangles, and the mesh has no cells");
  const other = cells.types.find((type) => !FLAT.has(type));
  if (other !== undefined)
    throw new ValueError(
      `distances need a surface of triangles, quads and polygons, and the mesh has a cell of the type ${other}`,
    );
  return new SurfaceDistance(points, triangulate(cells)).distances(allRows(positions), { isSigned });
}
