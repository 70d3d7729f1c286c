import { isMapping } from "../../config/schema";
import { existingRunName } from "../../core/providers";
import { isRemoteUri, resolveRunUri } from "../../io";

type Tree = Readonly<Record<string, unknown>>;

/**
 * A config in which every run that an initializer reads is on this machine: where its `output_path` is `hf://…` or `s3://…`,
 * the checkpoints of the run are fetched to the cache. Everything else stays the object that it is.
 */
export async function withLocalRuns<T>(value: T): Promise<T> {
  if (Array.isArray(value)) {
    const items = await Promise.all((value as unknown[]).map(withLocalRuns));
    return items.some((item, index) => item !== value[index]) ? (items as T) : value;
  }
  if (!isMapping(value)) return value;
  let tree: Tree = value;
  for (const [key, before] of Object.entries(value)) {
    const after = await withLocalRuns(before);
    if (after !== before) tree = { ...tree, [key]: after };
  }
  return (await withLocalRoot(tree)) as T;
}

async function withLocalRoot(tree: Tree): Promise<Tree> {
  const { output_path: root, run_id: id, stage_name: stage, kind } = tree;
  const run = existingRunName(id);
  // the root of the config has these keys, too: there a run is written
  if (typeof kind !== "string" || typeof root !== "string" || typeof run !== "string" || !isRemoteUri(root))
    return tree;
  const folder = `${run}/${typeof stage === "string" && stage !== "" ? `${stage}/` : ""}`;
  const filter = (path: string): boolean =>
    path.startsWith(`${folder}checkpoints/`) || path === `${folder}hp_resolved.yaml`;
  return { ...tree, output_path: await resolveRunUri(root, { filter }) };
}
