import { describe } from "../schema/custom-type";
import { mapNode, toPlain } from "../yaml/nodes";
import type { Section } from "./section";

/**
 * Transolver: which attention the blocks have follows from the model, and can only be said in the block config. Release 1.1 had a
 * key of the model for it.
 */
export function migrateAttentionConstructor(section: Section): void {
  const key = "attention_constructor";
  if (!section.hasField("transformer_block_config") || section.hasField(key)) return;
  const node = section.node.entries.get(key);
  if (node === undefined) return;
  const value = section.text(key);
  if (value === "transolver") {
    section.take(key);
    section.changed(key, "is left out now: a Transolver has it", node);
    return;
  }
  if (value !== "transolver_plusplus") {
    section.problem(
      key,
      `expected "transolver" or "transolver_plusplus", as release 1.1 had it here, received ${describe(toPlain(node))}`,
      node,
    );
    return;
  }
  const block = section.get("transformer_block_config");
  const blockConfig = block?.type === "map" ? block : mapNode([], node.source);
  section.take(key);
  if (!blockConfig.entries.has(key)) blockConfig.entries.set(key, node);
  section.node.entries.set("transformer_block_config", blockConfig);
  section.changed(key, `is transformer_block_config.${key} now`, node);
}
