import { ConfigError } from "../config/errors";
import { loadUserKinds } from "../config/factory/load-kind";
import { type ConfigChange, migratePlain } from "../config/migration";
import { KeyError } from "../config/python-errors";
import { findKind, unknownKindMessage } from "../config/registry";
import { isConfigClass, isMapping, validateConfig } from "../config/schema";
import { plainMappings } from "../config/schema/plain-mappings";
import { CheckpointKeys } from "../core/checkpoint-keys";
import type { ModelBaseConfig } from "../core/models";
import { load, scope, toMap } from "../torch";

/** The config of the model that a checkpoint is of. */
export interface StoredModelConfig {
  /** Validated: `new Factory().instantiate(config)` makes the model. */
  readonly config: ModelBaseConfig;
  /** What the file had in the form of release 1.1 of the Python framework. */
  readonly changes: readonly ConfigChange[];
}

/**
 * Reads the model's config from a model file (`…_model.th`), also of the Python framework, releases 1.1 and 2026.4.
 *
 * @throws KeyError when the file holds none, ConfigError when it is not valid, with every problem
 */
export async function readModelConfig(path: string): Promise<StoredModelConfig> {
  const [stored, configKind] = scope(() => {
    const content = toMap(load(path, { mmap: true }));
    return [plainMappings(content.get(CheckpointKeys.MODEL_CONFIG)), content.get(CheckpointKeys.CONFIG_KIND)];
  });
  if (!isMapping(stored)) {
    throw new KeyError(`'${path}' does not say what its model was built with ('${CheckpointKeys.MODEL_CONFIG}')`);
  }
  await loadUserKinds(stored);
  const kind = String(stored["kind"]);
  // a class that is known here only by its config: that tells the rest of what is wrong
  const schema = findKind(kind)?.schema ?? findKind(String(configKind))?.schema;
  if (!isConfigClass(schema)) {
    throw new ConfigError([{ path: "kind", message: unknownKindMessage(kind), location: { file: path } }]);
  }
  const { plain, changes, problems } = migratePlain(stored, schema, () => ({ file: path }));
  if (problems.length > 0) throw new ConfigError(problems);
  return { config: validateConfig(schema, plain, () => ({ file: path })) as ModelBaseConfig, changes };
}
