import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readYaml, toPlain, type MapNode } from "../../config";
import { displayPath } from "../../config/compose/config-files";
import { locateIn } from "../../config/compose/compose";
import { ConfigError, type SourceLocation } from "../../config/errors";
import { migratePlain, type ConfigChange } from "../../config/migration";
import { ValueError } from "../../config/python-errors";
import { isMapping, registered, validateConfig } from "../../config/schema";
import { plainMappings } from "../../config/schema/plain-mappings";
import { CheckpointKeys } from "../../core/checkpoint-keys";
import { ModelBaseConfig } from "../../core/models";
import { CheckpointFolder } from "../../core/writers";
import { parseDataRecord, readDataRecord, type DataRecord } from "../../data";
import { attentionOf } from "../../initializers/other-attention";
import { ConfigSchema } from "../../training/runners/config-schema";
import { load, scope, toMap, type Tensor } from "../../torch";
import type { AnyConfigClass } from "../../config/schema";
import type { RunLocation } from "./run-location";
import { findProject, foldersAbove, tryLoadKinds, withAbsoluteKinds } from "./user-kinds";

type Tree = Readonly<Record<string, unknown>>;

/** What a run's files say of it, in the form of this release, user classes loaded. */
export interface StoredConfig {
  /** Validated; without optimizer and initializers, which predictions do not need. */
  readonly model: ModelBaseConfig;
  /** The folder that kinds of files are relative to. */
  readonly project: string;
  /** `datasets` as they were written, kinds by absolute path. */
  readonly datasets: Readonly<Record<string, Tree>>;
  readonly forwardProperties: readonly string[];
  readonly targetProperties: readonly string[];
  readonly record: DataRecord | null;
  /** Null where only checkpoints are there. */
  readonly plain: Tree | null;
  readonly changes: readonly ConfigChange[];
  /** Kinds of data sets, pipelines, normalizers that could not be loaded. */
  readonly unloaded: ReadonlyMap<string, Error>;
}

/**
 * Reads what is stored of a run: `hp_resolved.yaml`, of our runs `data_record.yaml`, and where there is no config the one in the
 * model file.
 *
 * @param project - folder of the user's classes; null: the working directory, that of training, or one above the run
 * @param changes - keys of the model's config that replace the stored ones
 * @throws KindError when the model's class cannot be loaded, ConfigError when its config is not valid
 */
export async function readStoredConfig(
  location: RunLocation,
  project: string | null,
  changes: Tree = {},
): Promise<StoredConfig> {
  const { folder, portable } = location;
  const record = portable === null ? readDataRecord(folder) : parseDataRecord(portable.record, portable.path);
  const { written, locate, isComplete } = readWritten(location);
  const { model, datasets = {} } = written;
  if (!isMapping(model)) throw new ValueError(`${displayPath(folder)}: expected "model" in the config of a run`);
  const parts = { model: { ...model, ...changes }, datasets: isMapping(datasets) ? datasets : {} };
  const candidates = project === null ? [process.cwd(), record?.project ?? null, ...foldersAbove(folder)] : [project];
  const root = findProject(parts, candidates) ?? project ?? process.cwd();
  const absolute = withAbsoluteKinds(parts, root);
  const unloaded = await tryLoadKinds(absolute, root);
  const failed = unloaded.get(String(absolute.model["kind"]));
  if (failed) throw failed;

  const migration = migratePlain({ ...written, ...absolute }, ConfigSchema as AnyConfigClass, locate);
  const place = (path: readonly PropertyKey[]) => locateIn(migration.tree, path);
  const { plain } = migration;
  const problems = migration.problems.filter(({ path }) => path.startsWith("model."));
  if (problems.length > 0) throw new ConfigError(problems);
  const { optimizer_config: _, initializers: __, ...stored } = plain["model"] as Record<string, unknown>;
  const trainer = isMapping(plain["trainer"]) ? plain["trainer"] : {};
  const validated = validateModel(stored, location, place);
  const own = validated.forward_properties ?? [];
  return {
    model: validated,
    project: root,
    datasets: (plain["datasets"] ?? {}) as Record<string, Tree>,
    forwardProperties: listOf(trainer["forward_properties"]) ?? own,
    targetProperties: listOf(trainer["target_properties"]) ?? [],
    record,
    plain: isComplete ? plain : null,
    changes: migration.changes,
    unloaded,
  };
}

interface Located {
  readonly written: Tree;
  readonly locate: (path: readonly PropertyKey[]) => SourceLocation | undefined;
  /** Whether it is the config of the whole run, not of its model alone. */
  readonly isComplete: boolean;
}

function readWritten({ folder, config, modelFile, portable }: RunLocation): Located {
  if (config !== null) return fromYaml(readFileSync(config, "utf8"), config);
  if (portable === null) return fromModelFile(folder, modelFile);
  if (portable.config !== null) return fromYaml(portable.config, portable.path);
  return {
    written: { model: portable.modelConfig ?? {} },
    locate: () => ({ file: displayPath(folder) }),
    isComplete: false,
  };
}

function fromYaml(text: string, file: string): Located {
  const tree = readYaml(text, displayPath(file));
  if (tree.type !== "map") throw new ConfigError([{ path: "", message: "expected a mapping", location: tree.source }]);
  return { written: toPlain(tree) as Tree, locate: (path) => locateIn(tree as MapNode, path), isComplete: true };
}

/** A run of which only checkpoints are left: the model file holds the config of its model. */
function fromModelFile(folder: string, modelFile: string | null): Located {
  const path = modelFile ?? firstModelFile(folder);
  const stored = scope(() => plainMappings(toMap(load(path, { mmap: true })).get(CheckpointKeys.MODEL_CONFIG)));
  if (!isMapping(stored))
    throw new ValueError(
      `${path}: expected a model file that says what its model was built with ("${CheckpointKeys.MODEL_CONFIG}"), got one without, and there is no hp_resolved.yaml in ${folder}`,
    );
  return { written: { model: stored }, locate: () => ({ file: displayPath(path) }), isComplete: false };
}

function firstModelFile(folder: string): string {
  const checkpoints = new CheckpointFolder(join(folder, "checkpoints"));
  const names = checkpoints.names().filter((name) => name.endsWith("_model.th"));
  const models = [...new Set(names.map((name) => name.split("_cp=")[0]!.split("_ema=")[0]!))];
  if (models.length === 1) return checkpoints.fileOf(names[0]!);
  throw new ValueError(
    models.length === 0
      ? `${folder}: expected checkpoints of a model ("…_cp=…_model.th"), got none`
      : `${folder}: expected hp_resolved.yaml, since there are checkpoints of several models: ${models.join(", ")}`,
  );
}

/** The model's config; blocks get the attention that their weights have where a config of release 1.1 leaves it open. */
function validateModel(
  stored: Record<string, unknown>,
  location: RunLocation,
  locate: (path: readonly PropertyKey[]) => SourceLocation | undefined,
): ModelBaseConfig {
  const schema = registered(ModelBaseConfig);
  const at = (path: readonly PropertyKey[]) => locate(["model", ...path]);
  const validated = validateConfig(schema, stored, at);
  const key = "attention_constructor";
  const block = stored["transformer_block_config"];
  const built = (validated as { transformer_block_config?: Record<string, unknown> }).transformer_block_config;
  if (!isMapping(block) || key in block || built?.[key] === undefined) return validated;
  const attention = storedAttention(location, String(stored["name"]));
  if (attention === null || attention === built[key]) return validated;
  return validateConfig(schema, { ...stored, transformer_block_config: { ...block, [key]: attention } }, at);
}

function storedAttention({ folder, portable }: RunLocation, model: string): string | null {
  if (portable !== null) return attentionOf(portable.weights);
  const checkpoints = new CheckpointFolder(join(folder, "checkpoints"));
  const name = checkpoints.names().find((file) => file.startsWith(`${model}_`) && file.endsWith("_model.th"));
  if (name === undefined) return null;
  return scope(() => {
    const content = toMap(load(checkpoints.fileOf(basename(name)), { mmap: true }));
    return attentionOf(toMap<Tensor>(content.get(CheckpointKeys.STATE_DICT)) as ReadonlyMap<string, Tensor>);
  });
}

function listOf(value: unknown): string[] | null {
  return Array.isArray(value) && value.length > 0 ? value.map(String) : null;
}
