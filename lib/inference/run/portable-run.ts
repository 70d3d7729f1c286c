import { statSync } from "node:fs";
import { extname } from "node:path";
import { ValueError } from "../../config/python-errors";
import { isMapping } from "../../config/schema";
import { plainMappings } from "../../config/schema/plain-mappings";
import { load, Tensor, toMap } from "../../torch";

/** What the `format` of a portable file is. */
export const PORTABLE_FORMAT = "noether-ts run";
export const PORTABLE_VERSION = 1;

/** A run in one file: a mapping that `torch.load` reads, of texts, numbers and tensors. */
export interface PortableRun {
  readonly path: string;
  /** `hp_resolved.yaml` of the run; null where there was none. */
  readonly config: string | null;
  /** `data_record.yaml` of the run. */
  readonly record: string | null;
  /** Config of the model in the checkpoint; null for composites. */
  readonly modelConfig: Readonly<Record<string, unknown>> | null;
  /** Of a composite, the config of each part in its checkpoint, by key. */
  readonly partConfigs: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly checkpoint: string;
  /** `ema=0.9999`; null: the weights themselves. */
  readonly average: string | null;
}

/**
 * Reads a file that `noether-ts export` wrote.
 *
 * @returns null for files of another ending or content
 * @throws ValueError for a version that is not known
 */
export function readPortableRun(path: string): PortableRun | null {
  if (extname(path).toLowerCase() !== ".pt" || !statSync(path, { throwIfNoEntry: false })?.isFile()) return null;
  const loaded: unknown = load(path, { mmap: true });
  if (!(loaded instanceof Map) && !isMapping(loaded)) return null;
  const content = toMap(loaded);
  if (content.get("format") !== PORTABLE_FORMAT) return null;
  const version = content.get("version");
  if (version !== PORTABLE_VERSION)
    throw new ValueError(
      `${path}: expected version ${PORTABLE_VERSION} of an exported run, got ${String(version)}: it needs another noether-ts`,
    );
  const text = (key: string): string | null => {
    const value = content.get(key) ?? null;
    if (value !== null && typeof value !== "string")
      throw new ValueError(`${path}: expected a text under "${key}", got ${typeof value}`);
    return value;
  };
  const modelConfig = plainMappings(content.get("model_config") ?? null);
  return {
    path,
    config: text("hp_resolved"),
    record: text("data_record"),
    modelConfig: isMapping(modelConfig) ? modelConfig : null,
    partConfigs: configsIn(content.get("part_configs") ?? null),
    weights: weightsIn(content.get("state_dict"), path),
    checkpoint: text("checkpoint") ?? "latest",
    average: text("weights"),
  };
}

function configsIn(value: unknown): Map<string, Readonly<Record<string, unknown>>> {
  const configs = plainMappings(value);
  const entries = isMapping(configs) ? Object.entries(configs) : [];
  return new Map(entries.flatMap(([key, config]) => (isMapping(config) ? [[key, config] as const] : [])));
}

function weightsIn(value: unknown, path: string): Map<string, Tensor> {
  const state = new Map<string, Tensor>();
  for (const [name, tensor] of toMap(value)) {
    if (!(tensor instanceof Tensor))
      throw new ValueError(`${path}: expected a tensor for "${String(name)}", got ${typeof tensor}`);
    state.set(String(name), tensor);
  }
  return state;
}
