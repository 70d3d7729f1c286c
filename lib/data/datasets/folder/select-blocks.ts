import { ValueError } from "../../../config/python-errors";
import { suggestNames } from "../../../config/nearest-names";
import { joinMeshes } from "../../readers/join";
import type { Mesh } from "../../readers/mesh";
import { nameMatcher } from "./glob";

/** Blocks by name, blocks inside blocks as `outer/inner`. */
function namedBlocks(mesh: Mesh, prefix = ""): [string, Mesh][] {
  return [...mesh.blocks].flatMap(([name, block]) => [
    [`${prefix}${name}`, block] as [string, Mesh],
    ...namedBlocks(block, `${prefix}${name}/`),
  ]);
}

/**
 * The blocks, or patches, of the given names as one mesh, in the order of the file; without names the mesh itself.
 *
 * @param what `patches` or `blocks`, for messages
 * @throws ValueError for a name that fits none, and for a mesh of blocks alone when no names are given
 */
export function selectBlocks(mesh: Mesh, patterns: readonly string[] | null, what: "patches" | "blocks"): Mesh {
  const blocks = namedBlocks(mesh);
  const names = blocks.map(([name]) => name);
  if (patterns === null) {
    if (mesh.numberOfPoints > 0 || blocks.length === 0) return mesh;
    throw new ValueError(`has blocks only: choose some with blocks: [${names.join(", ")}]`);
  }
  const chosen = new Set<string>();
  for (const pattern of patterns) {
    const matching = names.filter(nameMatcher(pattern));
    if (matching.length === 0)
      throw new ValueError(
        `has no ${what} "${pattern}"; ${names.length === 0 ? `it has no ${what}` : suggestNames(pattern, names)}`,
      );
    for (const name of matching) chosen.add(name);
  }
  const meshes = blocks.flatMap(([name, block]) => (chosen.has(name) && block.numberOfPoints > 0 ? [block] : []));
  if (meshes.length === 0) throw new ValueError(`has no points in its ${what} ${[...chosen].join(", ")}`);
  return joinMeshes(meshes.map((block) => block.with({ blocks: new Map() })));
}
