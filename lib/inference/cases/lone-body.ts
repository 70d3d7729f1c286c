import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { ValueError } from "../../config/python-errors";
import { writeMesh, type Mesh } from "../../data";
import { isSurface } from "../../data/geometry/cell-geometry";
import type { DescribedRun } from "../predict/run-fields";
import type { CaseOptions } from "./case-options";
import { sliceAround } from "./slice-grid";

/** Endings of files that hold the geometry of a body, and nothing of a flow. */
const GEOMETRIES = [".stl", ".ply", ".obj"];
const SURFACE = "surface";

/** A plane through a body: its normal, and where it is between the ends of the body, 0 to 1. */
export interface Slice {
  readonly axis: 0 | 1 | 2;
  readonly position: number;
}
/** Normal to y, in the middle. */
export const MIDDLE: Slice = { axis: 1, position: 0.5 };

/**
 * Whether a file is the body alone of a run that has a volume around it: the geometry is the domain `surface`, no other file is given, and
 * the run was not trained on such files.
 */
export function isLoneBody({ domains, datasetConfig }: DescribedRun, path: string, options: CaseOptions): boolean {
  const ending = extname(path).toLowerCase();
  return (
    GEOMETRIES.includes(ending) &&
    domains.length === 2 &&
    domains.includes(SURFACE) &&
    Object.keys(options.domains ?? {}).length === 0 &&
    !JSON.stringify(datasetConfig?.["domains"] ?? null)
      .toLowerCase()
      .includes(`${ending}"`) &&
    existsSync(path) &&
    statSync(path).isFile()
  );
}

/**
 * Gives files for the domains of a run to some work: a body as the domain `surface`, or the first one, and a slice around it where there is
 * a volume.
 *
 * @param path the file of `mesh`
 * @throws ValueError for a body that is no surface, and for more than two domains
 */
export async function withDomainsOfBody<T>(
  domains: readonly string[],
  path: string,
  mesh: Mesh,
  { axis, position }: Slice,
  work: (files: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const [body, around, ...others] = [...domains].sort((a, b) => Number(b === SURFACE) - Number(a === SURFACE));
  if (around === undefined) return work({ [body!]: path });
  if (!isSurface(mesh.cells))
    throw new ValueError(`expected the surface of a body (triangles, quads, polygons), got cells with a volume`);
  if (others.length > 0)
    throw new ValueError(`expected a file for each of the domains ${domains.join(", ")}, got a body alone`);
  const folder = mkdtempSync(join(tmpdir(), "noether-slice-"));
  try {
    const plane = join(folder, "slice.vtp");
    await writeMesh(sliceAround(mesh, axis, position), plane);
    return await work({ [body!]: path, [around]: plane });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
