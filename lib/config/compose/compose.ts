import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { ConfigError, type SourceLocation } from "../errors";
import { applyOverride } from "../overrides/apply-overrides";
import { ConfigFiles, type LoadedConfig } from "./config-files";
import { DefaultsList, type ConfigPart } from "./defaults-list";
import { checkHydraOverride, isHydraOverride, searchPathOf, warnOfHydraSettings } from "./hydra-settings";
import { Interpolator } from "../interpolation/interpolation";
import { mergeNodes, wrapInPackage } from "../yaml/merge";
import { childOf, cloneNode, isInterpolation, mapNode, toPlain, type MapNode, type Node } from "../yaml/nodes";
import { isSweep, parseOverride, type Override } from "../overrides/override";
import { Dictionary } from "../overrides/override-value";
import type { JobInfo } from "../interpolation/resolvers";

/** What {@link composeConfig} composes. */
export interface ComposeOptions {
  /** The primary config file; without one an empty config. */
  readonly file?: string;
  /** Overrides as typed: `key=value`, `+group=option`, `~key`. */
  readonly overrides?: readonly string[];
  /** More directories with groups. */
  readonly searchPath?: readonly string[];
}

/** A composed config: what the runner gets, and where everything was written. */
export interface ComposedConfig {
  /** Everything resolved, as plain objects, lists, strings, numbers, booleans and null. */
  readonly plain: Record<string, unknown>;
  /** The resolved tree, which keeps floats apart from integers. */
  readonly tree: MapNode;
  /** The overrides that were applied, as typed. */
  readonly overrides: readonly string[];
  /** Whether an interpolation in the config contains a word: a root key that none contains is unused. */
  mentions(word: string): boolean;
  /** Where the value at a path was written. */
  readonly locate: (path: readonly PropertyKey[]) => SourceLocation | undefined;
}

/** A config whose interpolations are not resolved yet. */
export interface UnresolvedConfig {
  readonly tree: MapNode;
  readonly job: JobInfo;
  /** The files that it was made of, in the order in which they were merged. */
  readonly parts: readonly ConfigPart[];
}

/**
 * Composes a config as Hydra does: defaults list, groups and packages, merge, overrides, interpolations.
 *
 * @throws ConfigError that names file and line, or the override
 */
export function composeConfig(options: ComposeOptions = {}): ComposedConfig {
  return resolveConfig(composeUnresolved(options));
}

/** Everything of {@link composeConfig} but the interpolations. */
export function composeUnresolved(options: ComposeOptions = {}): UnresolvedConfig {
  const all = (options.overrides ?? []).map(parseOverride);
  const overrides = all.filter((override) => !isHydraOverride(override));
  const { files, primary, name } = openFiles(options, all);
  for (const override of all) checkHydraOverride(override);
  warnOfHydraSettings(primary.node);
  const sweep = overrides.find(isSweep);
  if (sweep) {
    const message =
      "expected one value; with --multirun several values (a,b) run one job each, otherwise quote the comma";
    throw new ConfigError([{ path: sweep.key, message, location: { file: `override "${sweep.text}"` } }]);
  }
  const groupOverrides = overrides.filter((override) => isGroupOverride(override, files));
  const list = new DefaultsList(files, groupOverrides);
  const parts = list.expand(primary);

  let root: Node = mapNode();
  for (const part of parts) {
    const content = wrapInPackage(ownContent(part.config, part.config === primary), part.package);
    if (content.type !== "map") {
      const message = `expected a mapping at the root of the config, received a ${content.type === "list" ? "list" : "single value"}`;
      throw new ConfigError([{ path: "", message, location: content.source }]);
    }
    const current: Node = root;
    root = mergeNodes(current, content, [], { follow: (node, path) => followIn(current, node, path) });
  }
  for (const override of overrides) if (!groupOverrides.includes(override)) applyOverride(root, override);
  const job: JobInfo = {
    name,
    overrides: overrides.map(({ text }) => text),
    choices: list.choices,
    started: new Date(),
  };
  return { tree: root as MapNode, job, parts };
}

/** Resolves the interpolations of a composed config. */
export function resolveConfig({ tree: unresolved, job }: Pick<UnresolvedConfig, "tree" | "job">): ComposedConfig {
  const tree = new Interpolator(unresolved, job).resolveAll() as MapNode;
  const words = new Set(interpolationsIn(unresolved).flatMap((text) => text.match(/[\w-]+/g) ?? []));
  return {
    mentions: (word) => words.has(word),
    tree,
    overrides: job.overrides,
    plain: toPlain(tree) as Record<string, unknown>,
    locate: (path) => locateIn(tree, path),
  };
}

/** The texts of all interpolations of a tree. */
function interpolationsIn(node: Node): string[] {
  if (node.type === "list") return node.items.flatMap(interpolationsIn);
  if (node.type === "map") return [...node.entries.values()].flatMap(interpolationsIn);
  return typeof node.value === "string" && isInterpolation(node) ? [node.value] : [];
}

/** Parses overrides; those for Hydra itself are checked and dropped. */
export function parseOverrides(texts: readonly string[]): Override[] {
  const all = texts.map(parseOverride);
  for (const override of all) checkHydraOverride(override);
  return all.filter((override) => !isHydraOverride(override));
}

/**
 * `over` merged over `base` by the rules of composition: mappings key by key, lists as a whole. Both stay as they are.
 */
export function mergeConfigs(base: MapNode, over: MapNode): MapNode {
  const root = cloneNode(base);
  return mergeNodes(root, over, [], { follow: (node, path) => followIn(root, node, path) }) as MapNode;
}

/** The files of a config: its folder, then those of the command line, then those of `hydra.searchpath`. */
export function openFiles(
  { file, searchPath = [] }: ComposeOptions,
  overrides: readonly Override[],
): {
  files: ConfigFiles;
  primary: LoadedConfig;
  name: string;
} {
  const extra = searchPath.map((directory) => resolve(directory));
  if (file === undefined) {
    const more = searchPathOf(undefined, overrides, process.cwd());
    return { files: new ConfigFiles([...extra, ...more]), primary: { path: "", node: mapNode() }, name: "config" };
  }
  const path = resolve(file);
  if (!existsSync(path)) {
    const name = basename(path, ".yaml");
    new ConfigFiles([dirname(path)]).load(name); // throws, with the nearest names of the directory
  }
  const name = basename(path);
  const primary = { ...new ConfigFiles([dirname(path)]).load(name), path: name.replace(/\.yaml$/, "") };
  const more = searchPathOf(primary.node, overrides, dirname(path));
  return { files: new ConfigFiles([dirname(path), ...extra, ...more]), primary, name: name.replace(/\.ya?ml$/, "") };
}

/** Whether an override chooses an option of a group rather than a value: the group's directory exists. */
function isGroupOverride(override: Override, files: ConfigFiles): boolean {
  if (override.value instanceof Dictionary) return false;
  if (files.groupExists(override.key)) return true;
  if (override.package === undefined && !override.key.includes("/")) return false;
  const message = `expected a group, but there is none with the name "${override.key}"`;
  throw new ConfigError([{ path: override.key, message, location: { file: `override "${override.text}"` } }]);
}

/** What a file says itself: without its defaults list, and without settings of Hydra in the primary file. */
function ownContent({ node, path }: LoadedConfig, isPrimary: boolean): Node {
  if (node.type !== "map") return node;
  const hydra = node.entries.get("hydra");
  if (!isPrimary && hydra !== undefined && childOf(hydra, "searchpath") !== undefined) {
    const message = `expected hydra.searchpath in the primary config only, but it is in "${path}"`;
    throw new ConfigError([{ path: "hydra.searchpath", message, location: hydra.source }]);
  }
  return mapNode(
    [...node.entries].filter(([key]) => key !== "defaults" && !(isPrimary && key === "hydra")),
    node.source,
  );
}

/** What an interpolation points to in a tree that is still being put together. */
function followIn(root: Node, node: Node, path: readonly string[]): Node | undefined {
  try {
    return new Interpolator(root).follow(node, path).node;
  } catch (error) {
    if (error instanceof ConfigError) return undefined; // its target comes from a later file
    throw error;
  }
}

/** Where the value at a path of a tree was written. */
export function locateIn(tree: Node, path: readonly PropertyKey[]): SourceLocation | undefined {
  let node: Node | undefined = tree;
  for (const key of path) {
    if (!node) return undefined;
    node = childOf(node, String(key));
  }
  return node?.source;
}
