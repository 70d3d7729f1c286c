import { writeYaml } from "../../config/yaml/writer";
import { toRelease11 } from "../../config/migration";
import { configClassOf, dumpConfig } from "../../config/schema";
import type { CheckpointFormat } from "../checkpoint-format";
import { getLogger } from "../logging";
import { writeYamlFile } from "./yaml-file";

/** The kind of a root config that names none in `config_schema_kind`. */
export const DEFAULT_SCHEMA_KIND = "noether.core.schemas.schema.ConfigSchema";

/** Keys that stand elsewhere in the file, or that say how a run is watched. */
const LEFT_OUT: ReadonlySet<string> = new Set(["config_schema_kind", "dashboard", "report"]);

/** Keys of a trainer that this framework alone has, and readers do not need. */
const OWN_KEYS = ["checkpoint_format", "capture", "activation_checkpointing", "shard_optimizer_state"];

function withoutOwnKeys(trainer: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(trainer).filter(([key]) => !OWN_KEYS.includes(key)));
}

/** Writes a run's hyperparameters. */
export class Hyperparameters {
  /**
   * Writes `hp_resolved.yaml`: the keys that were given, in schema order, and `config_schema_kind` last. The file reads
   * back in Python.
   *
   * @param path - the file; written under a temporary name first
   * @param schemaKind - kind of the root config class
   * @param format - release of the Python framework whose keys it has; what 1.1 has no key for is left out
   */
  static saveResolved(
    config: object,
    path: string,
    schemaKind: string = DEFAULT_SCHEMA_KIND,
    format: CheckpointFormat = "2026.4",
  ): void {
    const dump = dumpConfig(config, { onlyGiven: true });
    const type = configClassOf(config);
    const plain = format === "1.1" && type !== undefined ? toRelease11(dump, type).plain : dump;
    const values = Object.fromEntries(Object.entries(plain).filter(([key]) => !LEFT_OUT.has(key)));
    if (values["trainer"]) values["trainer"] = withoutOwnKeys(values["trainer"] as Record<string, unknown>);
    writeYamlFile(path, { ...values, config_schema_kind: schemaKind });
    getLogger("Hyperparameters").debug(`Dumped resolved hyperparameters to ${path}`);
  }

  /** Logs every hyperparameter, defaults too, at debug level. */
  static log(config: object): void {
    const text = writeYaml(dumpConfig(config), { sortKeys: true }).trimEnd();
    getLogger("Hyperparameters").debug(`------------------\n${text}`);
  }
}
