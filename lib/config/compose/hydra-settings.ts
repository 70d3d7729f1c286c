/**
 * Settings of Hydra itself (`hydra.…`). Only the search path has a meaning here; what upstream's commands set themselves is
 * accepted, so that its command lines work; the rest is refused, since it would change nothing.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError, formatLocation, type SourceLocation } from "../errors";
import { childOf, isNull, toPlain, type Node } from "../yaml/nodes";
import type { Override } from "../overrides/override";
import { valueNode } from "../overrides/apply-overrides";

/** Overrides that ask Hydra for what happens here anyway. */
const HARMLESS: Readonly<Record<string, readonly unknown[]>> = {
  "hydra.run.dir": ["."],
  "hydra.output_subdir": [null],
  "hydra.job.chdir": [false, null],
  "hydra.verbose": [false],
  "hydra.mode": ["RUN"],
  "hydra/job_logging": ["disabled", "none", "default", "stdout"],
  "hydra/hydra_logging": ["disabled", "none", "default"],
  "hydra/launcher": ["basic"],
  "hydra/sweeper": ["basic"],
  "hydra/help": ["default"],
  "hydra/output": ["default"],
};

/** What to do instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  "hydra.run.dir": "output_path says where runs go",
  "hydra.sweep": "output_path says where runs go, each job has a run of its own",
  "hydra.mode": "--multirun starts a sweep",
  "hydra.verbose": "log_level=debug shows details",
  "hydra.job.name": "name and run_id name a run",
};

/** Whether an override is for Hydra itself. */
export function isHydraOverride({ key }: Override): boolean {
  return /^hydra([./]|$)/.test(key);
}

/**
 * Checks an override for Hydra itself; others pass.
 *
 * @throws ConfigError when it asks for something that does not exist here
 */
export function checkHydraOverride(override: Override): void {
  const { key, text, type, value } = override;
  if (!isHydraOverride(override) || key === "hydra.searchpath") return;
  if (type !== "delete" && isHarmless(key, toPlain(valueNode(value, text)))) return;
  throw refusal(key, { file: `override "${text}"` });
}

function isHarmless(key: string, value: unknown): boolean {
  return Object.hasOwn(HARMLESS, key) && HARMLESS[key]!.includes(value);
}

function refusal(key: string, location: SourceLocation | undefined): ConfigError {
  const [, instead] = Object.entries(INSTEAD).find(([prefix]) => key === prefix || key.startsWith(`${prefix}.`)) ?? [];
  const hint = instead === undefined ? "" : `; ${instead}`;
  const message = `expected no settings of Hydra: this one would change nothing here${hint}`;
  return new ConfigError([{ path: key, message, location }]);
}

/**
 * Whether an item of a defaults list chooses an option of one of Hydra's own groups (`override hydra/job_logging: none`).
 *
 * @throws ConfigError when the option asks for something that does not exist here
 */
export function isHydraGroup(group: string, option: unknown, source: SourceLocation | undefined): boolean {
  const name = group.replace(/^\//, "");
  if (!name.startsWith("hydra/")) return false;
  if (isHarmless(name, option)) return true;
  throw refusal(name, source);
}

/** Warns of settings of Hydra in a primary config that change nothing here; upstream's commands override the others. */
export function warnOfHydraSettings(primary: Node): void {
  const hydra = childOf(primary, "hydra");
  if (hydra?.type !== "map") return;
  const idle = [...hydra.entries.keys()].filter((key) => !["searchpath", "run", "output_subdir"].includes(key));
  if (idle.length > 0)
    process.emitWarning(
      `${hydra.source ? `${formatLocation(hydra.source)}: ` : ""}these settings of Hydra change nothing here: ${idle.join(", ")}`,
    );
}

/** @throws ConfigError when the primary config asks Hydra to put the jobs of a sweep somewhere */
export function refuseSweepFolders(primary: Node): void {
  const hydra = childOf(primary, "hydra");
  const sweep = hydra && childOf(hydra, "sweep");
  if (sweep !== undefined) throw refusal("hydra.sweep", sweep.source);
}

/**
 * The folders of `hydra.searchpath`: that of the command line, else that of the primary config. Relative ones begin at the
 * working directory, as with Hydra, or else at the folder of the config.
 *
 * @throws ConfigError when it is not a list of folders
 */
export function searchPathOf(primary: Node | undefined, overrides: readonly Override[], directory: string): string[] {
  const override = overrides.find(({ key }) => key === "hydra.searchpath");
  const hydra = primary && childOf(primary, "hydra");
  const given = override
    ? valueNode(override.value, `override "${override.text}"`)
    : hydra && childOf(hydra, "searchpath");
  if (given === undefined || isNull(given)) return [];
  const fail = (message: string, location: SourceLocation | undefined): never => {
    throw new ConfigError([{ path: "hydra.searchpath", message, location }]);
  };
  if (given.type !== "list") return fail("expected a list of folders", given.source);
  return given.items.map((item) => {
    const text = item.type === "scalar" ? item.value : undefined;
    if (typeof text !== "string") return fail("expected the name of a folder", item.source);
    const path = text.replace(/^file:\/\//, "");
    if (/^[a-z]+:\/\//.test(path))
      return fail(`expected a folder, received ${JSON.stringify(text)}; Python packages are not searched`, item.source);
    const found = [resolve(path), resolve(directory, path)].find((folder) => existsSync(folder));
    if (found === undefined) process.emitWarning(`hydra.searchpath: there is no folder ${path}`);
    return found ?? resolve(path);
  });
}
