import { writeYaml } from "../../config/yaml/writer";
import { dumpConfig } from "../../config/schema";
import { getLogger } from "../logging";
import { writeYamlFile } from "./yaml-file";

/** The kind of a root config that names none in `config_schema_kind`. */
export const DEFAULT_SCHEMA_KIND = "noether.core.schemas.schema.ConfigSchema";

/** Writes a run's hyperparameters. */
export class Hyperparameters {
  /**
   * Writes `hp_resolved.yaml`: the keys that were given, in schema order, and `config_schema_kind` last. The file reads
   * back in Python.
   *
   * @param path - the file; written under a temporary name first
   * @param schemaKind - kind of the root config class
   */
  static saveResolved(config: object, path: string, schemaKind: string = DEFAULT_SCHEMA_KIND): void {
    const { config_schema_kind: _, ...values } = dumpConfig(config, { onlyGiven: true });
    writeYamlFile(path, { ...values, config_schema_kind: schemaKind });
    getLogger("Hyperparameters").debug(`Dumped resolved hyperparameters to ${path}`);
  }

  /** Logs every hyperparameter, defaults too, at debug level. */
  static log(config: object): void {
    const text = writeYaml(dumpConfig(config), { sortKeys: true }).trimEnd();
    getLogger("Hyperparameters").debug(`------------------\n${text}`);
  }
}
