import { fromPlain, isNull, scalarNode, toPlain } from "../yaml/nodes";
import type { Section } from "./section";
import { migrateSlurmKeys } from "./slurm";

/** Data sets: `normalizers` was another name of `dataset_normalizers`. */
export function migrateNormalizers(section: Section): void {
  if (!section.hasField("dataset_normalizers") || section.hasField("normalizers")) return;
  const old = section.node.entries.get("normalizers");
  if (old === undefined) return;
  const current = section.get("dataset_normalizers");
  if (current !== undefined && !isNull(old))
    return section.ambiguous("normalizers", "dataset_normalizers", old, current);
  section.take("normalizers");
  if (current !== undefined) return;
  section.node.entries.set("dataset_normalizers", old);
  section.changed("normalizers", "is dataset_normalizers now", old);
}

/** The root: `dataset_normalizer` had no effect in release 1.1 and is gone. */
export function dropDatasetNormalizer(section: Section): void {
  const key = "dataset_normalizer";
  if (!section.hasField("datasets") || section.hasField(key)) return;
  const node = section.take(key);
  if (node !== undefined)
    section.changed(key, "has no effect, nor had it before: normalizers belong to data sets", node);
}

/** Schedules: the peak of a warm-up has to be said; in release 1.1 it was 1 where it was left out. */
export function addMaxValue(section: Section): void {
  const { max_value } = section.type.fields as Record<string, { safeParse(value: unknown): { success: boolean } }>;
  if (!section.hasField("warmup_percent") || max_value === undefined || max_value.safeParse(undefined).success) return;
  if (section.node.entries.has("max_value")) return;
  section.node.entries.set("max_value", scalarNode(1, section.node.source));
  const message =
    "is 1 where it is left out, as in release 1.1: the value rises to 1, whatever lr is; set it (usually to lr)";
  section.changed("max_value", message, undefined, "warning");
}

/** `slurm`: its keys were options of `sbatch`. */
export function migrateSlurm(section: Section): void {
  const old = section.get("slurm");
  if (!section.hasField("slurm") || old?.type !== "map") return;
  const { section: translated, changes, problems } = migrateSlurmKeys(toPlain(old) as Record<string, unknown>);
  for (const { key, message } of problems) section.problem(`slurm.${key}`, message, old.entries.get(key));
  if (problems.length > 0) return;
  for (const { key, name } of changes) section.changed(`slurm.${key}`, `is ${name} now`, old.entries.get(key));
  const entries = Object.entries(translated).map(([key, value]) => {
    const change = changes.find(({ name }) => name.split(".")[0] === key);
    const before = old.entries.get(change?.key ?? key);
    return [key, change === undefined && before ? before : fromPlain(value, before?.source)] as const;
  });
  section.node.entries.set("slurm", { ...old, entries: new Map(entries) });
}
