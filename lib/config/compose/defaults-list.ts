import { ConfigError, type SourceLocation } from "../errors";
import { suggestNames } from "../nearest-names";
import type { ConfigFiles, LoadedConfig } from "./config-files";
import { parseInterpolated } from "../interpolation/grammar";
import { hasInterpolation, type Node } from "../yaml/nodes";
import type { Override } from "../overrides/override";

/**
 * The `defaults` list: which files make up a config, in which order and under which keys
 * (training-inference-config spec 2.2, 2.3).
 *
 * Lists are expanded from last to first, so that an override in an appended experiment is known before the groups that
 * it changes are visited.
 */

/** One file of the final list and the key path under which its content goes (`""`: the root). */
export interface ConfigPart {
  readonly config: LoadedConfig;
  readonly package: string;
}

/** `- group: option` */
interface GroupItem {
  readonly type: "group";
  /** Absolute path of the group. */
  readonly group: string;
  /** As written: without the containing group. */
  readonly relativeGroup: string;
  readonly package?: string;
  readonly option: Option;
  readonly optional: boolean;
  readonly override: boolean;
  readonly source?: SourceLocation;
}

/** `- name` */
interface FileItem {
  readonly type: "file";
  readonly path: string;
  readonly relativeGroup: string;
  readonly package?: string;
  readonly source?: SourceLocation;
}

type Item = { readonly type: "self" } | FileItem | GroupItem;

/** A choice: one option, several, none, or `"???"`. */
type Option = string | readonly string[] | null;

interface Choice {
  readonly option: Option;
  readonly source?: SourceLocation;
  used: boolean;
}

/** What is known about the file whose list is being expanded. */
interface Parent {
  /** Directory of the file: groups are relative to it. */
  readonly group: string;
  readonly package: string;
}

/** A file of the tree, or an item whose option refers to another choice and is expanded last. */
type Part = ConfigPart | { readonly deferred: GroupItem; readonly parent: Parent };

const fail = (message: string, source?: SourceLocation): never => {
  throw new ConfigError([{ path: "", message, location: source }]);
};

const dotted = (group: string) => group.replaceAll("/", ".");

/** Joins a package to its parent's; `_global_` starts again at the root, `_here_` adds nothing. */
function joinPackage(parent: string, own: string): string {
  const joined = [parent, own].filter((part) => part !== "").join(".");
  const parts = joined.split(".").filter((part) => part !== "" && part !== "_here_");
  return parts.slice(parts.lastIndexOf("_global_") + 1).join(".");
}

/** The key under which a group can be overridden: `model`, or `model@teacher` when its package is not the default. */
function overrideKey(item: Pick<GroupItem, "group" | "relativeGroup" | "package">, parent: Parent): string {
  const target = joinPackage(parent.package, item.package ?? dotted(item.relativeGroup));
  return target === dotted(item.group) ? item.group : `${item.group}@${target || "_global_"}`;
}

/** Expands the defaults lists of a config and of all files that it names. */
export class DefaultsList {
  /** `override` items by key; the first that is met wins. */
  private readonly recorded = new Map<string, Choice>();
  private readonly commandLine = new Map<string, Choice>();
  private readonly deletions = new Map<string, { option: Option | undefined; source: SourceLocation; used: boolean }>();
  private readonly appended: GroupItem[] = [];
  /** Choices made so far: group key → option. */
  private readonly choices = new Map<string, Option>();

  /** @param overrides - the group overrides of the command line, in order */
  constructor(
    private readonly files: ConfigFiles,
    overrides: readonly Override[],
  ) {
    for (const override of overrides) this.addOverride(override);
  }

  private addOverride({ type, key, package: pkg, value, text }: Override): void {
    const source = { file: `override "${text}"` };
    const name =
      pkg === undefined || joinPackage("", pkg) === dotted(key) ? key : `${key}@${joinPackage("", pkg) || "_global_"}`;
    if (type === "delete") {
      this.deletions.set(name, {
        option: value === undefined ? undefined : optionOf(value, source),
        source,
        used: false,
      });
      return;
    }
    if (type === "force")
      fail(`"++" is for values; choose an option of the group with "${key}=…" or "+${key}=…"`, source);
    const option = optionOf(value, source);
    if (option === null)
      fail(`expected an option of the group "${key}", received null; "~${key}" drops the group`, source);
    if (type === "add") {
      this.appended.push({
        type: "group",
        group: key,
        relativeGroup: key,
        package: pkg,
        option,
        optional: false,
        override: false,
        source,
      });
    } else this.commandLine.set(name, { option, source, used: false });
  }

  /** The final list: files in the order in which they are merged. */
  expand(primary: string | LoadedConfig): ConfigPart[] {
    const root = typeof primary === "string" ? this.files.load(primary) : primary;
    let parts = this.expandFile(root, { relativeGroup: "" }, { group: "", package: "" }, true);
    while (parts.some((part) => "deferred" in part)) {
      parts = parts.flatMap((part) => ("deferred" in part ? this.expandDeferred(part.deferred, part.parent) : [part]));
    }
    this.checkAllUsed();
    const list = parts as ConfigPart[];
    this.checkNoDuplicates(list);
    return list;
  }

  private expandFile(
    config: LoadedConfig,
    item: { package?: string; relativeGroup: string },
    parent: Parent,
    primary = false,
  ): Part[] {
    const own = item.package ?? config.packageHeader ?? dotted(item.relativeGroup);
    const slash = config.path.lastIndexOf("/");
    const self: Parent = {
      group: slash < 0 ? "" : config.path.slice(0, slash),
      package: joinPackage(parent.package, own),
    };
    const items = readDefaults(config, self);
    const hasItems = items.some((entry) => entry.type !== "group" || !entry.override);
    if (!items.some((entry) => entry.type === "self")) {
      // without `_self_` own values win; a list of overrides only is no list of files
      if (hasItems) items.push({ type: "self" });
      else items.unshift({ type: "self" });
    }
    if (primary) items.push(...this.appended);
    for (const entry of items) if (entry.type === "group" && entry.override) this.record(entry, self);

    const groups: Part[][] = [];
    for (const entry of [...items].reverse()) {
      if (entry.type === "self") groups.unshift([{ config, package: self.package }]);
      else if (entry.type === "file")
        groups.unshift(this.expandFile(this.files.load(entry.path, entry.source), entry, self));
      else if (!entry.override) groups.unshift(this.expandGroup(entry, self));
    }
    return groups.flat();
  }

  private record(item: GroupItem, parent: Parent): void {
    const key = overrideKey(item, parent);
    if (!this.recorded.has(key)) this.recorded.set(key, { option: item.option, source: item.source, used: false });
  }

  private expandGroup(item: GroupItem, parent: Parent): Part[] {
    const key = overrideKey(item, parent);
    const choice = this.commandLine.get(key) ?? this.recorded.get(key);
    for (const known of [this.commandLine.get(key), this.recorded.get(key)]) if (known) known.used = true;
    const chosen: GroupItem = {
      ...item,
      option: choice?.option === undefined ? item.option : choice.option,
      source: choice?.source ?? item.source,
    };

    const deletion = this.deletions.get(key);
    if (deletion && (deletion.option === undefined || deletion.option === chosen.option)) {
      deletion.used = true;
      return [];
    }
    const { option } = chosen;
    if (option === null) return [];
    if (option === "???") {
      const options = this.files.options(item.group);
      fail(
        `expected a choice for the group "${key}": add ${key}=<option>, one of ${options.map((name) => `"${name}"`).join(", ") || "none yet"}`,
        item.source,
      );
    }
    const earlier = this.choices.get(key);
    if (earlier !== undefined && String(earlier) !== String(option)) {
      fail(
        `expected one choice for the group "${key}", received "${String(earlier)}" and "${String(option)}"; write "override ${key}" to change a choice`,
        item.source,
      );
    }
    this.choices.set(key, option);
    if (typeof option === "string" && hasInterpolation(option)) return [{ deferred: chosen, parent }];
    return this.expandOptions(chosen, parent);
  }

  /** An option such as `for_${model}`, when every other choice is known. */
  private expandDeferred(item: GroupItem, parent: Parent): Part[] {
    const option = parseInterpolated(String(item.option))
      .map((part) => {
        if (typeof part === "string") return part;
        const key = part.type === "reference" ? part.key.join("") : part.name;
        const choice = this.choices.get(key) ?? this.choices.get(key.replaceAll(".", "/"));
        if (typeof choice === "string") return choice;
        return fail(
          `"${String(item.option)}" refers to the choice of group "${key}", which is not made; ${suggestNames(key, this.choices.keys())}`,
          item.source,
        );
      })
      .join("");
    return this.expandOptions({ ...item, option }, parent);
  }

  private expandOptions(item: GroupItem, parent: Parent): Part[] {
    const names = typeof item.option === "string" ? [item.option] : (item.option ?? []);
    return names.flatMap((name) => {
      const path = `${item.group}/${name.replace(/\.yaml$/, "")}`;
      if (item.optional && !this.files.exists(path)) return [];
      return this.expandFile(this.files.load(path, item.source), item, parent);
    });
  }

  private checkAllUsed(): void {
    const known = [...this.choices.keys()];
    for (const [key, { used, source }] of this.commandLine) {
      if (!used)
        fail(
          `the group "${key}" is not part of this config; add it with "+", or did you mean another? ${suggestNames(key, known)}`,
          source,
        );
    }
    for (const [key, { used, source }] of this.recorded) {
      if (!used)
        fail(
          `"override ${key}" changes nothing: no file that is listed earlier has this group; ${suggestNames(key, known)}`,
          source,
        );
    }
    for (const [key, { used, source }] of this.deletions) {
      if (!used) fail(`cannot drop "${key}": the config has no such choice; ${suggestNames(key, known)}`, source);
    }
  }

  private checkNoDuplicates(parts: readonly ConfigPart[]): void {
    const seen = new Set<string>();
    for (const part of parts) {
      const key = `${part.config.path}@${part.package}`;
      if (seen.has(key))
        fail(`the file "${part.config.path}" is listed more than once for the same place`, part.config.node.source);
      seen.add(key);
    }
  }
}

function optionOf(value: unknown, source: SourceLocation): Option {
  if (value === null || typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  return fail("expected the name of an option (quote it when it looks like a number) or a list of names", source);
}

/** The items of a file's `defaults`, in order. */
function readDefaults(config: LoadedConfig, self: Parent): Item[] {
  const node = config.node.type === "map" ? config.node.entries.get("defaults") : undefined;
  if (node === undefined) return [];
  if (node.type !== "list") return fail('expected a list for "defaults"', node.source);
  const items = node.items.map((item) => readItem(item, self));
  if (items.filter(({ type }) => type === "self").length > 1)
    fail('expected "_self_" at most once in "defaults"', node.source);
  const firstOverride = items.findIndex((item) => item.type === "group" && item.override);
  if (firstOverride >= 0 && items.slice(firstOverride).some((item) => item.type !== "group" || !item.override)) {
    fail('expected the "override" items at the end of "defaults"', node.items[firstOverride]!.source);
  }
  return items;
}

const LEGACY = /^(optional\s+)?(override\s+)?(\S+)$/;

function readItem(node: Node, self: Parent): Item {
  if (node.type === "scalar" && typeof node.value === "string") {
    if (node.value === "_self_") return { type: "self" };
    const [name = "", pkg] = node.value.split("@");
    const relative = name.replace(/^\//, "").replace(/\.yaml$/, "");
    const path = name.startsWith("/") || self.group === "" ? relative : `${self.group}/${relative}`;
    const slash = relative.lastIndexOf("/");
    return {
      type: "file",
      path,
      relativeGroup: slash < 0 ? "" : relative.slice(0, slash),
      package: pkg,
      source: node.source,
    };
  }
  if (node.type !== "map" || node.entries.size !== 1) {
    return fail('expected "- group: option", "- file" or "- _self_" in "defaults"', node.source);
  }
  const [[key, value]] = [...node.entries] as [[string, Node]];
  const match = LEGACY.exec(key.trim());
  if (!match)
    return fail(
      `expected "group: option", "optional group: option" or "override group: option", received ${JSON.stringify(key)}`,
      value.source,
    );
  const [name = "", pkg] = match[3]!.split("@");
  const relativeGroup = name.replace(/^\//, "");
  const group = name.startsWith("/") || self.group === "" ? relativeGroup : `${self.group}/${relativeGroup}`;
  const option =
    value.type === "list"
      ? value.items.map((item) => (item.type === "scalar" ? item.value : undefined))
      : value.type === "scalar"
        ? value.value
        : undefined;
  return {
    type: "group",
    group,
    relativeGroup,
    package: pkg,
    option: optionOf(option, value.source ?? { file: "defaults" }),
    optional: match[1] !== undefined,
    override: match[2] !== undefined,
    source: value.source,
  };
}
