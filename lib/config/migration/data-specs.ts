import { isNull, mapNode, type MapNode } from "../yaml/nodes";
import type { Section } from "./section";

/** The keys of release 1.1 and their place in a domain. */
const KEYS = [
  { old: "surface_output_dims", domain: "surface", key: "output_dims" },
  { old: "surface_feature_dim", domain: "surface", key: "feature_dim" },
  { old: "volume_output_dims", domain: "volume", key: "output_dims" },
  { old: "volume_feature_dim", domain: "volume", key: "feature_dim" },
] as const;

/** What release 1.1 computed from them and wrote to its files. */
const COMPUTED = [
  "surface_feature_dim_total",
  "volume_feature_dim_total",
  "total_output_dim",
  "surface_targets",
  "volume_targets",
  "surface_features",
  "volume_features",
];

/**
 * Data specs: one mapping a domain, `domains: { surface: { output_dims, feature_dim } }`, where release 1.1 had keys for surface
 * and volume. The order of the domains, which is that of a model's tokens, is surface, volume.
 */
export function migrateDataSpecs(section: Section): void {
  if (!section.hasField("domains") || section.hasField("surface_output_dims")) return;
  if (!KEYS.some(({ old }) => section.node.entries.has(old))) return;
  const written = section.get("domains");
  const domains = written?.type === "map" ? written : mapNode([], section.node.source);
  const made = new Map<string, MapNode>();
  for (const { old, domain, key } of KEYS) {
    const node = section.node.entries.get(old);
    const before = domains.entries.get(domain);
    if (node !== undefined && !isNull(node) && before !== undefined && !made.has(domain)) {
      section.ambiguous(old, `domains.${domain}.${key}`, node, before);
      continue;
    }
    section.take(old);
    if (node === undefined || isNull(node)) continue;
    const target = made.get(domain) ?? mapNode([], node.source);
    target.entries.set(key, node);
    made.set(domain, target);
    domains.entries.set(domain, target);
    section.changed(old, `is domains.${domain}.${key} now`, node);
  }
  // inputs without targets: release 1.1 left the outputs out
  const volume = made.get("volume");
  if (volume?.entries.has("feature_dim") && !volume.entries.has("output_dims"))
    volume.entries.set("output_dims", mapNode([], volume.source));
  for (const key of COMPUTED) if (!section.hasField(key)) section.take(key);
  if (made.size > 0) section.node.entries.set("domains", domains);
}
