import { scalarNode, type UnresolvedConfig } from "../../config";
import { childOf } from "../../config/yaml/nodes";
import { isRemoteUri, resolveRunUri } from "../../io";

/** A config of an evaluation whose `input_dir` is on this machine: of `hf://…` and `s3://…` the run is fetched to the cache. */
export async function withLocalInputDir(inference: UnresolvedConfig): Promise<UnresolvedConfig> {
  const text = (key: string): string | null => {
    const node = childOf(inference.tree, key);
    return node?.type === "scalar" && node.value !== null ? String(node.value) : null;
  };
  const inputDir = text("input_dir");
  if (inputDir === null || !isRemoteUri(inputDir)) return inference;
  const run = text("run_id");
  const filter = (path: string): boolean => !path.endsWith("_optim.th") && (run === null || path.startsWith(`${run}/`));
  const local = await resolveRunUri(inputDir, { filter });
  inference.tree.entries.set("input_dir", scalarNode(local, inference.tree.entries.get("input_dir")?.source));
  return inference;
}
