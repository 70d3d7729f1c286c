import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { isSecretName, REDACTED, sanitize } from "../../io/redact";

/** A mapping of a YAML file; empty where there is none, or none that can be read. Secrets are taken out. */
export async function readYamlMapping(path: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = parse(sanitize(await readFile(path, "utf8")), { logLevel: "silent" });
    return typeof value === "object" && value !== null ? (withoutSecrets(value) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The configuration of a run, `hp_resolved.yaml`, without secrets. */
export async function readRunConfig(folder: string): Promise<Record<string, unknown>> {
  return readYamlMapping(join(folder, "hp_resolved.yaml"));
}

/** A config with `***` in place of what keys such as `api_key` hold. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      isSecretName(key) && typeof item === "string" ? REDACTED : withoutSecrets(item),
    ]),
  );
}

/** A config as one level: `trainer.callbacks.0.kind`. Empty lists and mappings are values. */
export function flattenConfig(value: unknown, prefix = ""): Record<string, unknown> {
  if (typeof value !== "object" || value === null) return { [prefix]: value };
  const entries = Object.entries(value);
  if (entries.length === 0) return { [prefix]: Array.isArray(value) ? "[]" : "{}" };
  return Object.assign(
    {},
    ...entries.map(([key, item]) => flattenConfig(item, prefix === "" ? key : `${prefix}.${key}`)),
  ) as Record<string, unknown>;
}
