import { ConfigError, type SourceLocation } from "../errors";
import { withSuggestion } from "../nearest-names";
import type { ConfigFiles, LoadedConfig } from "./config-files";
import { isHydraGroup } from "./hydra-settings";
import { Interpolator } from "../interpolation/interpolation";
import { hasInterpolation, listNode, mapNode, scalarNode, type MapNode, type Node } from "../yaml/nodes";
import type { Override } from "../overrides/override";
import { Quoted, isList, type ValueTree } from "../overrides/override-value";
import {
  groupOf,
  optionOf,
  overrideKey,
  packageOf,
  pathOf,
  readDefaults,
  type DefaultItem,
  type FileItem,
  type GroupItem,
  type Option,
  type Parent,
  type SelfItem,
} from "./default-item";

/**
 * The `defaults` list: which files make up a config, in which order and under which keys,
 * by the rules of Hydra 1.3.
 *
 * Lists are expanded from last to first, so that an override in an appended experiment is known before the groups that
 * it changes are visited.
 */

/** One file of the final list and the key path under which its content goes (`""`: the root). */
export interface ConfigPart {
  readonly config: LoadedConfig;
  readonly package: string;
  /** For a group's file without a list of its own: the group's key. */
  readonly groupKey?: string;
}

/** A choice made by the command line or an `override` item. */
interface Choice {
  readonly option: Option;
  readonly source?: SourceLocation;
  readonly isCommandLine: boolean;
  used: boolean;
}

/** Files that include one another this deep would never end. */
const MAX_DEPTH = 100;

const ROOT: Parent = { group: "", package: "" };

const fail = (message: string, source?: SourceLocation): never => {
  throw new ConfigError([{ path: "", message, location: source }]);
};

/** What is known where a file's list is expanded. */
interface Place {
  readonly parent: Parent;
  readonly isRoot: boolean;
  /** Below an item whose option refers to other choices: they are made, so nothing may override them any more. */
  readonly isInterpolated: boolean;
  /** Paths of the files on the way. */
  readonly chain: readonly string[];
}

/** Expands the defaults lists of a config and of all files that it names. */
export class DefaultsList {
  /** By group key: the command line's, then the first that an `override` item made. */
  private readonly overrides = new Map<string, Choice>();
  private readonly deletions = new Map<string, { name: string | null; source: SourceLocation; used: boolean }>();
  private readonly appended: GroupItem[] = [];
  private readonly known = new Map<string, Option>();

  /** @param overrides - the group overrides of the command line, in order */
  constructor(
    private readonly files: ConfigFiles,
    overrides: readonly Override[],
  ) {
    for (const override of overrides) this.addOverride(override);
  }

  /** Options of the groups by their keys, when {@link expand} is done. */
  get choices(): ReadonlyMap<string, Option> {
    return this.known;
  }

  private addOverride({ type, key, package: pkg, value, text }: Override): void {
    const source = { file: `override "${text}"` };
    const name = pkg === undefined ? key : `${key}@${pkg}`;
    if (type === "force")
      fail(`"++" is for values; choose an option of the group with "${key}=…" or "+${key}=…"`, source);
    const option = value === undefined ? null : optionOf(plainOption(value), source);
    if (type === "delete") {
      if (isList(option as ValueTree)) fail("expected one name of an option to drop, received a list", source);
      this.deletions.set(name, { name: option as string | null, source, used: false });
      return;
    }
    if (option === null)
      fail(`expected an option of the group "${key}", received null; "~${key}" drops the group`, source);
    if (type === "add")
      this.appended.push({
        type: "group",
        group: key,
        package: pkg,
        option,
        optional: false,
        override: false,
        appended: true,
        source,
      });
    else this.overrides.set(name, { option, source, isCommandLine: true, used: false });
  }

  /** The final list: files in the order in which they are merged. */
  expand(primary: LoadedConfig): ConfigPart[] {
    const item: FileItem = { type: "file", path: primary.path, optional: false };
    const place: Place = { parent: ROOT, isRoot: true, isInterpolated: false, chain: [] };
    const parts = this.expandFile(primary, item, place);
    this.checkAllUsed();
    this.checkNoDuplicates(parts);
    return parts;
  }

  private expandItem(item: FileItem | GroupItem, place: Place): ConfigPart[] {
    if (item.type === "group") {
      const key = overrideKey(item, place.parent);
      const deletion = this.deletions.get(key);
      if (deletion && (deletion.name === null || deletion.name === item.option)) {
        deletion.used = true;
        return [];
      }
      this.choose(key, item);
      if (item.option === null) return [];
      if (item.option === "???") this.missingChoice(key, groupOf(item, place.parent), item.source);
    }
    const path = pathOf(item, place.parent);
    if (item.optional && !this.files.exists(path)) return [];
    return this.expandFile(this.files.load(path, item.source), item, place);
  }

  /** Notes the option of a group; two items for the same group must agree. */
  private choose(key: string, { option, source }: GroupItem): void {
    const earlier = this.known.get(key);
    if (earlier === undefined) this.known.set(key, option);
    else if (earlier !== option)
      fail(
        `expected one choice for the group "${key}", received "${String(option)}" and "${String(earlier)}"; write "override ${key}" to change a choice`,
        source,
      );
  }

  private missingChoice(key: string, group: string, source: SourceLocation | undefined): never {
    const options = this.files.options(group).map((name) => `"${name}"`);
    return fail(
      `expected a choice for the group "${key}": add ${key}=<option>, one of ${options.join(", ") || "none yet"}`,
      source,
    );
  }

  private expandFile(config: LoadedConfig, item: FileItem | GroupItem, place: Place): ConfigPart[] {
    const chain = [...place.chain, config.path];
    if (chain.length > MAX_DEPTH) this.circle(chain, item.source);
    const own = packageOf(item, place.parent, config.packageHeader);
    const self: Parent = { group: groupOf(item, place.parent), package: own };
    const groupKey = item.type === "group" ? overrideKey(item, place.parent) : undefined;
    const written = readDefaults(config).filter(
      (entry) => entry.type !== "group" || !isHydraGroup(entry.group, entry.option, entry.source),
    );
    const items: DefaultItem[] = this.withSelf(written, place.isRoot);
    if (place.isRoot) items.push(...this.appended);
    this.recordOverrides(items, self, place.isInterpolated);
    if (items.every((entry) => entry.type === "group" && entry.override)) return [{ config, package: own, groupKey }];

    const below: Place = { parent: self, isRoot: false, isInterpolated: place.isInterpolated, chain };
    const groups: (ConfigPart[] | FileItem | GroupItem)[] = [];
    for (const entry of [...items].reverse()) {
      if (entry.type === "self") groups.push([{ config, package: own }]);
      else if (entry.type === "file") groups.push(hasInterpolation(entry.path) ? entry : this.expandItem(entry, below));
      else if (!entry.override) groups.push(...this.expandGroup(entry, below));
    }
    // options that refer to other choices come last, when those are made
    const expanded = groups.map((group) =>
      Array.isArray(group)
        ? group
        : this.expandItem(this.resolve(group, items, self), { ...below, isInterpolated: true }),
    );
    return expanded.reverse().flat();
  }

  /** Without `_self_` the file's own values win; a list of nothing but overrides is not a list of files. */
  private withSelf(items: readonly DefaultItem[], isRoot: boolean): DefaultItem[] {
    if (items.length === 0 && !(isRoot && this.appended.length > 0)) return [];
    const hasSelf = items.some(({ type }) => type === "self");
    const hasFiles = items.some((entry) => entry.type !== "group" || !entry.override);
    const self: SelfItem = { type: "self" };
    return (!hasSelf && hasFiles) || items.length === 0 ? [...items, self] : [...items];
  }

  private recordOverrides(items: readonly DefaultItem[], parent: Parent, isInterpolated: boolean): void {
    let seen: GroupItem | undefined;
    for (const entry of items) {
      if (entry.type === "self") continue;
      const isOverride = entry.type === "group" && entry.override;
      const isAppended = entry.type === "group" && entry.appended === true;
      if (seen !== undefined && !isOverride && !isAppended)
        fail('expected the "override" items at the end of "defaults"', seen.source);
      if (!isOverride) continue;
      seen = entry;
      if (isInterpolated)
        fail(
          "expected no override in a file that is chosen by an interpolation: the choices are made by then",
          entry.source,
        );
      const key = overrideKey(entry, parent);
      if (!this.overrides.has(key))
        this.overrides.set(key, { option: entry.option, source: entry.source, isCommandLine: false, used: false });
    }
  }

  /** The files of a group's option, or the item itself when its option refers to other choices. */
  private expandGroup(item: GroupItem, place: Place): (ConfigPart[] | GroupItem)[] {
    const key = overrideKey(item, place.parent);
    const override = this.overrides.get(key);
    if (override) override.used = true;
    const chosen: GroupItem = override
      ? { ...item, option: override.option, source: override.source ?? item.source }
      : item;
    const { option } = chosen;
    if (typeof option === "string" && hasInterpolation(option)) return [chosen];
    if (option === null || typeof option === "string") return [this.expandItem(chosen, place)];
    return [...option].reverse().map((name) => {
      if (hasInterpolation(name)) fail("expected names without interpolations in a list of options", chosen.source);
      const { package: pkg, optional, source } = chosen;
      return this.expandItem({ type: "file", path: `${chosen.group}/${name}`, package: pkg, optional, source }, place);
    });
  }

  /** An item such as `for_${model}`, when every other choice is known. */
  private resolve<Item extends FileItem | GroupItem>(item: Item, items: readonly DefaultItem[], parent: Parent): Item {
    const text = item.type === "group" ? String(item.option) : pathOf(item, parent);
    const result = new Interpolator(this.choiceTree(items, parent, scalarNode(text, item.source)));
    const node = result.resolveAll() as MapNode;
    const value = node.entries.get(TEXT);
    if (value?.type !== "scalar" || typeof value.value !== "string")
      return fail(`expected the name of an option for ${JSON.stringify(text)}, received another value`, item.source);
    return item.type === "group" ? { ...item, option: value.value } : { ...item, path: `/${value.value}` };
  }

  /** The choices as a config, so that interpolations can refer to them. */
  private choiceTree(items: readonly DefaultItem[], parent: Parent, text: Node): MapNode {
    const optionNode = (option: Option): Node =>
      option === null || typeof option === "string"
        ? scalarNode(option)
        : listNode(option.map((name) => scalarNode(name)));
    const entries = [...this.known].map(([key, option]) => [key, optionNode(option)] as const);
    const listed = items
      .filter((entry) => entry.type !== "self")
      .map((entry) =>
        entry.type === "file"
          ? scalarNode(escaped(pathOf(entry, parent)))
          : mapNode([
              [
                overrideKey(entry, parent),
                typeof entry.option === "string" ? scalarNode(escaped(entry.option)) : optionNode(entry.option),
              ],
            ]),
      );
    return mapNode([...entries, ["defaults", listNode(listed)], [TEXT, text]]);
  }

  private checkAllUsed(): void {
    const known = [...this.known.keys()];
    for (const [key, { used, source, isCommandLine }] of this.overrides) {
      if (used) continue;
      if (isCommandLine)
        fail(withSuggestion(`the group "${key}" is not part of this config; "+" in front adds it`, key, known), source);
      const message = `"override ${key}" changes nothing: no file that is listed earlier has this group`;
      fail(withSuggestion(message, key, known), source);
    }
    for (const [key, { name, source, used }] of this.deletions) {
      if (used) continue;
      const chosen = this.known.get(key);
      if (chosen !== undefined)
        fail(`cannot drop "${key}=${String(name)}": the choice of this group is "${String(chosen)}"`, source);
      fail(withSuggestion(`cannot drop "${key}": the config has no such choice`, key, known), source);
    }
  }

  private checkNoDuplicates(parts: readonly ConfigPart[]): void {
    const seen = new Set<string>();
    for (const { groupKey, config } of parts) {
      if (groupKey === undefined) continue;
      if (seen.has(groupKey)) fail(`the group "${groupKey}" is listed more than once`, config.node.source);
      seen.add(groupKey);
    }
  }

  private circle(chain: readonly string[], source: SourceLocation | undefined): never {
    const last = chain.at(-1)!;
    const from = chain.lastIndexOf(last, -2);
    const circle = from < 0 ? chain.slice(-5) : chain.slice(from);
    return fail(`the defaults lists include one another in a circle: ${circle.join(" → ")}`, source);
  }
}

/** Key of the text that is to be resolved; no group has it. */
const TEXT = "(option)";

/** Other items' interpolations stay as they are. */
function escaped(text: string): string {
  return text.replace(/\\*\$\{/g, (open) => `\\${open}`);
}

/** An override's value as an option. */
function plainOption(value: ValueTree): unknown {
  if (value instanceof Quoted) return value.text;
  return isList(value) ? value.map(plainOption) : value;
}
