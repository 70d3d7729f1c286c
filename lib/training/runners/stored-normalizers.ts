import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readYaml, toPlain } from "../../config";
import { lookupKind } from "../../config/registry";
import { isMapping, zodType } from "../../config/schema";
import { getLogger } from "../../core/logging";
import type { PathProvider } from "../../core/providers";
import { plainConfig } from "../../data/factory/dataset-source";
import type { ConfigSchema } from "./config-schema";

/** Keys of a data set's config that say what its values are. */
const ABOUT_VALUES = ["kind", "normalize", "position_scale", "domains", "conditions", "non_finite"];

/**
 * A run that goes on keeps the normalizers of the run before, which the weights are for: they are neither computed again nor those of
 * files that have changed meanwhile. That is for data sets that compute them (`normalize`), as long as their configs say the same about
 * the values; what `dataset_normalizers` gives stays.
 *
 * @param resumed - the run before
 */
export function keepStoredNormalizers({ datasets }: Pick<ConfigSchema, "datasets">, resumed: PathProvider): void {
  const file = join(resumed.runOutputPath, "hp_resolved.yaml");
  if (!existsSync(file)) return;
  const stored: unknown = toPlain(readYaml(readFileSync(file, "utf8"), file));
  const before = isMapping(stored) ? stored["datasets"] : null;
  const kept = new Map<Normalized, Normalized["dataset_normalizers"]>();
  for (const [key, config] of Object.entries(datasets)) {
    if (!computesNormalizers(config)) continue;
    const other = isMapping(before) ? before[key] : null;
    const stored = isMapping(other) ? validated(config.kind, other) : null;
    if (stored === null || about(config) !== about(stored)) {
      // all or none: those of an evaluation are those of the training set
      getLogger("runner").warning(
        `the config of the data set "${key}" says other things about its values than that of run '${resumed.runId}': normalizers are computed anew`,
      );
      return;
    }
    kept.set(config, (stored as Normalized).dataset_normalizers);
  }
  for (const [config, normalizers] of kept) {
    // assigned, so that hp_resolved.yaml shows it
    config.dataset_normalizers = { ...normalizers, ...config.dataset_normalizers };
  }
}

/** A config of a data set that computes its normalizers. */
type Normalized = ConfigSchema["datasets"][string] & { readonly normalize: unknown };

function computesNormalizers(config: ConfigSchema["datasets"][string]): config is Normalized {
  return "normalize" in config && config.normalize !== null;
}

/** With defaults, as the config of this run; null where it is of another kind or form. */
function validated(kind: string, stored: object): object | null {
  const { schema } = lookupKind(kind);
  const result = schema && zodType(schema).safeParse(stored);
  return result?.success === true ? (result.data as object) : null;
}

function about(config: object | null): string {
  if (config === null) return "";
  const plain = plainConfig(config) as Record<string, unknown>;
  return JSON.stringify(ABOUT_VALUES.map((name) => plain[name] ?? null));
}
