import type { ComposedConfig } from "../../config";
import { ConfigError } from "../../config/errors";
import { findKind } from "../../config/registry";
import { loadUserKinds } from "../../config/factory/load-kind";
import { suggestNames } from "../../config/nearest-names";
import { registeredKinds } from "../../config/registry";
import { DEFAULT_SCHEMA_KIND } from "../../core/writers/hyperparameters";
import { ConfigSchema, setAcceleratorDetection } from "./config-schema";
import { isConfigClass, isSubclass, validateConfig, type AnyConfigClass } from "../../config/schema";
import { bestAccelerator } from "./devices";

/** A validated config and the root class that it belongs to. */
export interface RunConfig {
  readonly config: ConfigSchema;
  /** Kind of the root class, written to `hp_resolved.yaml`. */
  readonly schemaKind: string;
}

const root = ConfigSchema as unknown as AnyConfigClass;

/**
 * Loads the user's classes that a composed config names and validates it once, by the root class in
 * `config_schema_kind` (default: {@link ConfigSchema}).
 *
 * @throws ConfigError with every problem, its file and line
 */
export async function loadRunConfig({ plain, locate }: Pick<ComposedConfig, "plain" | "locate">): Promise<RunConfig> {
  await loadUserKinds(plain);
  setAcceleratorDetection(bestAccelerator);
  const kind = plain["config_schema_kind"] ?? DEFAULT_SCHEMA_KIND;
  const fail = (message: string): never => {
    throw new ConfigError([{ path: "config_schema_kind", message, location: locate(["config_schema_kind"]) }]);
  };
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
  return { config: validateConfig(schema, plain, locate) as ConfigSchema, schemaKind: kind };
}
