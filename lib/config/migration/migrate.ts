import type { FieldType } from "../schema";
import { findKind } from "../registry";
import { isConfigClass, type AnyConfigClass, type Fields } from "../schema/config-class";
import { elementType } from "../schema/fields";
import { unwrap } from "../schema/unwrap";
import { cloneNode, type MapNode, type Node } from "../yaml/nodes";
import { migrateBlockNames, migrateDecoderBlocks } from "./ab-upt";
import { addCallbackKinds } from "./callback-kinds";
import { migrateDataSpecs } from "./data-specs";
import { addMaxValue, dropDatasetNormalizer, migrateNormalizers, migrateSlurm } from "./renamed-keys";
import { Section, type Findings, type Rule } from "./section";
import { migrateAttentionConstructor } from "./transolver";

/** A config in the form of this release. */
export interface Migration extends Readonly<Findings> {
  readonly tree: MapNode;
}

/** From release 1.1 of the Python framework to 2026.4. */
const RULES: readonly Rule[] = [
  dropDatasetNormalizer,
  migrateSlurm,
  addCallbackKinds,
  migrateNormalizers,
  migrateDecoderBlocks,
  migrateBlockNames,
  migrateAttentionConstructor,
  migrateDataSpecs,
  addMaxValue,
];

/**
 * Reads a config of either release of the Python framework (1.1 or 2026.4): the result has the form of 2026.4.
 *
 * What a mapping means depends on the class that reads it: a key is an old one only where that class has a field in its place and
 * none of its name. So configs of the new form stay as they are, also a second time, and so do keys of classes of your own.
 *
 * @param tree - the config, or a part of it; stays as it is
 * @param type - the class that reads it
 * @returns the new tree with the places in files of the old one, what changed, and what cannot be read for certain
 */
export function migrateConfig(tree: MapNode, type: AnyConfigClass): Migration {
  return applyRules(tree, type, RULES);
}

/** Applies rules to a copy of a tree: to each mapping whose class is known, then to what it holds in its new form. */
export function applyRules(tree: MapNode, type: AnyConfigClass, rules: readonly Rule[]): Migration {
  const findings: Findings = { changes: [], problems: [] };
  const visit = (node: Node, declared: FieldType | undefined, path: readonly string[]): void => {
    const place = unwrap(declared);
    const element = place && elementType(place);
    if (node.type === "list") {
      for (const [index, item] of node.items.entries()) visit(item, element, [...path, String(index)]);
    } else if (node.type === "map") {
      const own = classOf(node, place);
      const section = own && new Section(node, path, own, findings);
      if (section) for (const rule of rules) rule(section);
      const fields = own?.fields as Fields | undefined;
      for (const [key, child] of node.entries) {
        // what is no field of its class nobody reads: helpers of the root
        if (fields === undefined || key in fields) visit(child, fields?.[key] ?? element, [...path, key]);
      }
    }
  };
  const result = cloneNode(tree);
  visit(result, type, []);
  return { tree: result, ...findings };
}

/** The class of a mapping: that of its kind, else the one that its place declares. */
function classOf(node: MapNode, declared: FieldType | undefined): AnyConfigClass | undefined {
  const kind = node.entries.get("kind");
  if (kind?.type === "scalar" && typeof kind.value === "string") {
    const schema = findKind(kind.value)?.schema;
    if (isConfigClass(schema)) return schema;
  }
  return isConfigClass(declared) ? declared : undefined;
}
