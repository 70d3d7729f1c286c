import type { FolderDatasetConfig, Strategy } from "./config";

/**
 * How a sample key is normalised. `auto`: `…_position` by `position`, normals not at all, everything else by mean and
 * deviation. Without `normalize`, and for keys that it does not name: not at all.
 */
export function strategyOf(normalize: FolderDatasetConfig["normalize"], key: string): Strategy {
  if (normalize === null) return "none";
  if (normalize !== "auto") return Object.hasOwn(normalize, key) ? normalize[key]! : "none";
  if (key.endsWith("_position")) return "position";
  return key.endsWith("_normals") ? "none" : "mean_std";
}
