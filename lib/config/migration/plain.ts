import type { SourceLocation } from "../errors";
import { isConfig, type AnyConfigClass } from "../schema/config-class";
import { isMapping } from "../schema/custom-type";
import { plainMappings } from "../schema/plain-mappings";
import { listNode, mapNode, scalarNode, toPlain, type MapNode, type Node } from "../yaml/nodes";
import { migrateConfig, type Migration } from "./migrate";

/** A plain config in the form of this release. */
export interface PlainMigration extends Migration {
  readonly plain: Record<string, unknown>;
}

/**
 * {@link migrateConfig} of a plain tree, such as the `model_config` of a checkpoint. Objects that are no mappings, and configs that
 * are validated already, stay the objects they are.
 *
 * @param locate - where the value at a path was written
 */
export function migratePlain(
  tree: Readonly<Record<string, unknown>>,
  type: AnyConfigClass,
  locate: (path: readonly PropertyKey[]) => SourceLocation | undefined = () => undefined,
): PlainMigration {
  const toNode = (value: unknown, path: readonly PropertyKey[]): Node => {
    const source = locate(path);
    if (Array.isArray(value))
      return listNode(
        value.map((item, index) => toNode(item, [...path, index])),
        source,
      );
    if (!isMapping(value) || isConfig(value)) return scalarNode(value as null, source);
    return mapNode(
      Object.entries(value).map(([key, item]) => [key, toNode(item, [...path, key])] as const),
      source,
    );
  };
  const migration = migrateConfig(toNode(plainMappings(tree), []) as MapNode, type);
  return { ...migration, plain: toPlain(migration.tree) as Record<string, unknown> };
}

/**
 * For the `migrate` of a config class: it then also takes what code gives in the form of release 1.1. What is not clear stays as it
 * is, for the class to refuse.
 */
export function inCurrentForm(raw: Record<string, unknown>, type: AnyConfigClass): Record<string, unknown> {
  const { plain, problems } = migratePlain(raw, type);
  return problems.length > 0 ? raw : plain;
}
