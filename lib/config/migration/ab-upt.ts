import { mapNode, scalarNode } from "../yaml/nodes";
import type { Section } from "./section";

const COUNTS = [
  { old: "num_surface_blocks", domain: "surface" },
  { old: "num_volume_blocks", domain: "volume" },
] as const;

/** AB-UPT: `num_domain_decoder_blocks: { surface: 2, volume: 2 }` for `num_surface_blocks` and `num_volume_blocks`. */
export function migrateDecoderBlocks(section: Section): void {
  if (!section.hasField("num_domain_decoder_blocks")) return;
  const written = section.get("num_domain_decoder_blocks");
  const counts = written?.type === "map" ? written : mapNode([], section.node.source);
  for (const { old, domain } of COUNTS) {
    if (section.hasField(old)) continue;
    const node = section.node.entries.get(old);
    if (node === undefined) continue;
    const before = counts.entries.get(domain);
    if (before !== undefined) {
      section.ambiguous(old, `num_domain_decoder_blocks.${domain}`, node, before);
      continue;
    }
    section.take(old);
    counts.entries.set(domain, node);
    section.node.entries.set("num_domain_decoder_blocks", counts);
    section.changed(old, `is num_domain_decoder_blocks.${domain} now`, node);
  }
}

/** AB-UPT: blocks that attend to the anchors of their own domain are called `self`, in release 1.1 `shared`. */
export function migrateBlockNames(section: Section): void {
  if (!section.hasField("num_domain_decoder_blocks")) return;
  const blocks = section.get("physics_blocks");
  if (blocks?.type !== "list") return;
  const isOld = blocks.items.map((item) => item.type === "scalar" && item.value === "shared");
  const count = isOld.filter(Boolean).length;
  if (count === 0) return;
  const items = blocks.items.map((item, index) => (isOld[index] ? scalarNode("self", item.source) : item));
  section.node.entries.set("physics_blocks", { ...blocks, items });
  section.changed("physics_blocks", `the block "shared" is called "self" now (${count} of ${items.length})`, blocks);
}
