import { type ComposedConfig } from "../../config";
import { locateIn } from "../../config/compose/compose";
import { ConfigError, type ConfigProblem, type SourceLocation } from "../../config/errors";
import { loadUserKinds } from "../../config/factory/load-kind";
import { migratePlain, toRelease11, type ConfigChange } from "../../config/migration";
import { findKind, registeredKinds } from "../../config/registry";
import { suggestNames } from "../../config/nearest-names";
import { DEFAULT_SCHEMA_KIND } from "../../core/writers/hyperparameters";
import { ConfigSchema, setAcceleratorDetection } from "./config-schema";
import {
  configClassOf,
  dumpConfig,
  isConfigClass,
  isSubclass,
  validateConfig,
  type AnyConfigClass,
} from "../../config/schema";
import { checkReferences, type RunPurpose } from "./check-references";
import { bestAccelerator } from "./devices";
import { withLocalRuns } from "./local-runs";
import { missingKinds } from "./not-implemented";
import { addStoredAttention } from "./stored-attention";

/** A validated config and the root class that it belongs to. */
export interface RunConfig {
  readonly config: ConfigSchema;
  /** Kind of the root class, written to `hp_resolved.yaml`. */
  readonly schemaKind: string;
  /** What the config had in the form of release 1.1. */
  readonly changes?: readonly ConfigChange[];
}

const root = ConfigSchema as AnyConfigClass;

/**
 * Loads the user's classes that a composed config names and validates it once, by the root class in
 * `config_schema_kind` (default: {@link ConfigSchema}). Configs of release 1.1 of the Python framework are read as well as those of
 * 2026.4. Nothing is written.
 *
 * @param purpose - what the run is for: then everything that the config refers to has to be there as well
 * @throws ConfigError with every problem, its file and line
 */
export async function loadRunConfig(
  composed: Pick<ComposedConfig, "plain" | "locate"> & Partial<Pick<ComposedConfig, "mentions">>,
  purpose: RunPurpose | null = null,
): Promise<RunConfig> {
  const { plain: written, mentions = () => true } = composed;
  const unloaded: { path: readonly PropertyKey[]; message: string }[] = [];
  await loadUserKinds(
    written,
    undefined,
    ({ kind, message }) => void unloaded.push({ path: pathOf(written, kind) ?? [], message }),
  );
  setAcceleratorDetection(bestAccelerator);
  const { schema, schemaKind, problem } = rootSchema(written["config_schema_kind"] ?? DEFAULT_SCHEMA_KIND);
  const migration = migratePlain(written, schema, composed.locate);
  const { changes } = migration;
  const plain = purpose === null ? migration.plain : await withLocalRuns(migration.plain);
  const locate = (path: readonly PropertyKey[]) => locateIn(migration.tree, path);
  const at = ({ path, message }: (typeof unloaded)[number]): ConfigProblem => {
    let location: SourceLocation | undefined;
    for (let depth = path.length; depth >= 0 && !location; depth--) location = locate(path.slice(0, depth));
    return { path: path.join("."), message, location };
  };

  const problems = [
    ...unloaded.map(at),
    ...migration.problems,
    ...(problem === null ? [] : [at({ path: ["config_schema_kind"], message: problem })]),
    ...(purpose === null
      ? []
      : [...missingKinds(plain, schema), ...checkReferences(plain, schema, purpose, mentions)].map(at)),
  ];
  try {
    const config = validateConfig(schema, plain, locate) as ConfigSchema;
    problems.push(...formatProblems(config).map(at));
    if (problems.length === 0) {
      const block = (config.model as { transformer_block_config?: { attention_constructor?: unknown } })
        .transformer_block_config;
      const added = purpose && addStoredAttention(plain, block?.attention_constructor, purpose);
      if (!added) return { config, schemaKind, changes };
      const completed = validateConfig(schema, added.plain, locate) as ConfigSchema;
      return { config: completed, schemaKind, changes: [...changes, added.change] };
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const known = new Set(problems.map(({ path }) => path));
    problems.push(...error.problems.filter(({ path }) => !known.has(path)));
  }
  throw new ConfigError(problems);
}

/** What of the model release 1.1 has no form for, if checkpoints are to have that. */
function formatProblems({ trainer, model }: ConfigSchema): { path: readonly PropertyKey[]; message: string }[] {
  const type = configClassOf(model);
  if (trainer.checkpoint_format !== "1.1" || type === undefined) return [];
  return toRelease11(dumpConfig(model), type).problems.map(({ path, message }) => ({
    path: ["model", ...path.split(".")],
    message: `${message} (trainer.checkpoint_format)`,
  }));
}

/** The class of the root; {@link ConfigSchema}, with a problem, if the config names something else. */
function rootSchema(kind: unknown): { schema: AnyConfigClass; schemaKind: string; problem: string | null } {
  const fail = (problem: string) => ({ schema: root, schemaKind: DEFAULT_SCHEMA_KIND, problem });
  if (typeof kind !== "string" || kind === "")
    return fail(`expected the name of the root config class, received ${JSON.stringify(kind)}`);
  const schema = findKind(kind)?.schema;
  if (!schema) {
    const names = registeredKinds().filter((name) => {
      const known = findKind(name)?.schema;
      return isConfigClass(known) && isSubclass(known, root);
    });
    return fail(`unknown kind "${kind}"; ${suggestNames(kind, names)}`);
  }
  if (!isConfigClass(schema) || !isSubclass(schema, root))
    return fail(`expected a class that extends ConfigSchema, received "${kind}"`);
  return { schema, schemaKind: kind, problem: null };
}

/** Where a value occurs first. */
function pathOf(tree: unknown, wanted: unknown, path: PropertyKey[] = []): PropertyKey[] | null {
  if (tree === wanted) return path;
  if (typeof tree !== "object" || tree === null) return null;
  for (const [key, item] of Object.entries(tree)) {
    const found = pathOf(item, wanted, [...path, Array.isArray(tree) ? Number(key) : key]);
    if (found !== null) return found;
  }
  return null;
}
