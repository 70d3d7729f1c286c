import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { ConfigError, type SourceLocation } from "../errors";
import { applyOverride } from "../overrides/apply-overrides";
import { ConfigFiles, type LoadedConfig } from "./config-files";
import { DefaultsList, type ConfigPart } from "./defaults-list";
import { Interpolator } from "../interpolation/interpolation";
import { mergeNodes, wrapInPackage } from "./merge";
import { childOf, cloneNode, mapNode, toPlain, type MapNode, type Node } from "../yaml/nodes";
import { isSweep, parseOverride, type Override } from "../overrides/override";
import type { JobInfo } from "../interpolation/resolvers";

/** What {@link composeConfig} composes. */
export interface ComposeOptions {
  /** The primary config file; without one an empty config. */
  readonly file?: string;
  /** Overrides as typed: `key=value`, `+group=option`, `~key`. */
  readonly overrides?: readonly string[];
  /** Further directories with groups. */
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
  /** Where the value at a path was written. */
  locate(path: readonly PropertyKey[]): SourceLocation | undefined;
}

/** A config whose interpolations are not resolved yet. */
export interface UnresolvedConfig {
  readonly tree: MapNode;
  readonly job: JobInfo;
  /** The files that it was made of, in the order in which they were merged. */
  readonly parts: readonly ConfigPart[];
}

/** Settings of Hydra itself: they have no meaning here and are accepted for the sake of existing command lines. */
const HYDRA_OVERRIDE = /^[+~]*hydra([./@]|$)/;

/**
 * Composes a config as Hydra does: defaults list, groups and packages, merge, overrides, interpolations
 * (training-inference-config spec 2).
 *
 * @throws ConfigError that names file and line, or the override
 */
export function composeConfig(options: ComposeOptions = {}): ComposedConfig {
  return resolveConfig(composeUnresolved(options));
}

/** Everything of {@link composeConfig} but the interpolations. */
export function composeUnresolved(options: ComposeOptions = {}): UnresolvedConfig {
  const { files, primary, name } = openFiles(options);
  const overrides = parseOverrides(options.overrides ?? []);
  const sweep = overrides.find(isSweep);
  if (sweep) {
    const message = "expected one value; several (a,b) run one job each with --multirun, or quote the comma";
    throw new ConfigError([{ path: sweep.key, message, location: { file: `override "${sweep.text}"` } }]);
  }
  const groupOverrides = overrides.filter((override) => isGroupOverride(override, files));
  const parts = new DefaultsList(files, groupOverrides).expand(primary);

  let root: Node = mapNode();
  for (const part of parts) {
    const content = wrapInPackage(withoutDefaults(part.config.node), part.package);
    if (content.type !== "map") {
      const message = "expected a mapping at the root of the config, received a list";
      throw new ConfigError([{ path: "", message, location: content.source }]);
    }
    const current: Node = root;
    root = mergeNodes(current, content, (node) => followIn(current, node));
  }
  for (const override of overrides) if (!groupOverrides.includes(override)) applyOverride(root, override);
  const job: JobInfo = { name, overrides: overrides.map(({ text }) => text), started: new Date() };
  return { tree: root as MapNode, job, parts };
}

/** Resolves the interpolations of a composed config. */
export function resolveConfig({ tree: unresolved, job }: Pick<UnresolvedConfig, "tree" | "job">): ComposedConfig {
  const tree = new Interpolator(unresolved, job).resolveAll() as MapNode;
  return {
    tree,
    overrides: job.overrides,
    plain: toPlain(tree) as Record<string, unknown>,
    locate: (path) => locateIn(tree, path),
  };
}

/** Parses overrides; those for Hydra itself are dropped. */
export function parseOverrides(texts: readonly string[]): Override[] {
  return texts.filter((text) => !HYDRA_OVERRIDE.test(text)).map(parseOverride);
}

/**
 * `over` merged over `base` by the rules of composition: mappings key by key, lists as a whole. Both stay as they are.
 */
export function mergeConfigs(base: MapNode, over: MapNode): MapNode {
  const root = cloneNode(base);
  return mergeNodes(root, over, (node) => followIn(root, node)) as MapNode;
}

function openFiles({ file, searchPath = [] }: ComposeOptions): {
  files: ConfigFiles;
  primary: LoadedConfig;
  name: string;
} {
  const extra = searchPath.map((directory) => resolve(directory));
  if (file === undefined) {
    return { files: new ConfigFiles(extra), primary: { path: "", node: mapNode() }, name: "config" };
  }
  const path = resolve(file);
  if (!existsSync(path)) {
    const name = basename(path, ".yaml");
    new ConfigFiles([dirname(path)]).load(name); // throws, with the nearest names of the directory
  }
  const files = new ConfigFiles([dirname(path), ...extra]);
  const name = basename(path);
  return {
    files,
    primary: { ...files.load(name), path: name.replace(/\.yaml$/, "") },
    name: name.replace(/\.ya?ml$/, ""),
  };
}

/** Whether an override chooses an option of a group rather than a value: the group's directory exists. */
function isGroupOverride(override: Override, files: ConfigFiles): boolean {
  if (override.package !== undefined || override.key.includes("/")) return true;
  const isMapping = typeof override.value === "object" && override.value !== null && !Array.isArray(override.value);
  return !isMapping && files.groupExists(override.key.replaceAll(".", "/")) && !override.key.includes(".");
}

function withoutDefaults(node: Node): Node {
  if (node.type !== "map" || !node.entries.has("defaults")) return node;
  return mapNode(
    [...node.entries].filter(([key]) => key !== "defaults"),
    node.source,
  );
}

/** What an interpolation points to in a tree that is still being put together. */
function followIn(root: Node, node: Node): Node | undefined {
  try {
    const path = pathOf(root, node, []);
    return path && new Interpolator(root).follow(node, path).node;
  } catch (error) {
    if (error instanceof ConfigError) return undefined; // its target comes from a later file
    throw error;
  }
}

function pathOf(root: Node, wanted: Node, path: readonly string[]): readonly string[] | undefined {
  if (root === wanted) return path;
  const children =
    root.type === "map"
      ? [...root.entries]
      : root.type === "list"
        ? root.items.map((item, i) => [String(i), item] as const)
        : [];
  for (const [key, child] of children) {
    const found = pathOf(child, wanted, [...path, key]);
    if (found) return found;
  }
  return undefined;
}

function locateIn(tree: Node, path: readonly PropertyKey[]): SourceLocation | undefined {
  let node: Node | undefined = tree;
  for (const key of path) {
    if (!node) return undefined;
    node = childOf(node, String(key));
  }
  return node?.source;
}
