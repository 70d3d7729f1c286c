/** The items of a `defaults` list, as Hydra 1.3 reads them. */
import { ConfigError, type SourceLocation } from "../errors";
import { describe } from "../schema/custom-type";
import { toPlain, type Node } from "../yaml/nodes";
import type { LoadedConfig } from "./config-files";

/** The option of a group: a name, several, none, or `"???"`. */
export type Option = string | readonly string[] | null;

/** What an item knows about the file whose list it is in. */
export interface Parent {
  /** Directory of the file: groups are relative to it. */
  readonly group: string;
  readonly package: string;
}

/** `_self_`: the place of the file's own content. */
export interface SelfItem {
  readonly type: "self";
  readonly source?: SourceLocation;
}

/** `- name`: a file. */
export interface FileItem {
  readonly type: "file";
  /** As written; a leading slash makes it absolute. */
  readonly path: string;
  readonly package?: string;
  readonly optional: boolean;
  readonly source?: SourceLocation;
}

/** `- group: option` */
export interface GroupItem {
  readonly type: "group";
  /** As written; a leading slash makes it absolute. */
  readonly group: string;
  readonly package?: string;
  readonly option: Option;
  readonly optional: boolean;
  readonly override: boolean;
  /** Added by the command line: may come after overrides. */
  readonly appended?: boolean;
  readonly source?: SourceLocation;
}

/** An item of a `defaults` list. */
export type DefaultItem = SelfItem | FileItem | GroupItem;

const fail = (message: string, source?: SourceLocation): never => {
  throw new ConfigError([{ path: "", message, location: source }]);
};

const dotted = (group: string): string => group.replaceAll("/", ".");
const withoutSlash = (path: string): string => path.replace(/^\//, "");
const directoryOf = (path: string): string => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");

/** A path below the directory of the parent, unless it is absolute. */
function below(parent: Parent, path: string): string {
  if (path.startsWith("/")) return path.slice(1);
  return [parent.group, path].filter((part) => part !== "").join("/");
}

/** Absolute directory of an item's files. */
export function groupOf(item: FileItem | GroupItem, parent: Parent): string {
  return item.type === "group" ? below(parent, item.group) : directoryOf(below(parent, item.path));
}

/** Absolute path of a file, without `.yaml`. */
export function pathOf(item: FileItem | GroupItem, parent: Parent): string {
  return item.type === "group" ? `${groupOf(item, parent)}/${String(item.option)}` : below(parent, item.path);
}

/** Key path of an item's content: `@package`, else the header of its file, else its group, below the parent's. */
export function packageOf(item: FileItem | GroupItem, parent: Parent, header?: string): string {
  const own = item.package?.replaceAll("_group_", `_global_.${dotted(groupOf(item, parent))}`) ?? header;
  const relative = item.type === "group" ? withoutSlash(item.group) : directoryOf(withoutSlash(item.path));
  const joined = [parent.package, own === "_here_" ? "" : (own ?? dotted(relative))]
    .filter((part) => part !== "")
    .join(".");
  const root = joined.lastIndexOf("_global_");
  return root < 0 ? joined : joined.slice(root + "_global_".length + 1);
}

/** The key under which a group can be overridden: `model`, or `model@teacher` when its package is not the default. */
export function overrideKey(item: GroupItem, parent: Parent): string {
  const group = groupOf(item, parent);
  const target = packageOf(item, parent);
  return target === dotted(group) ? group : `${group}@${target || "_global_"}`;
}

/** The items of a file's `defaults`, in order. */
export function readDefaults(config: LoadedConfig): DefaultItem[] {
  const node = config.node.type === "map" ? config.node.entries.get("defaults") : undefined;
  if (node === undefined) return [];
  if (node.type !== "list")
    return fail(`expected a list for "defaults", received ${describe(toPlain(node))}`, node.source);
  const items = node.items.map(readItem);
  if (items.filter(({ type }) => type === "self").length > 1)
    fail('expected "_self_" at most once in "defaults"', node.source);
  return items;
}

/** The option that a value stands for. */
export function optionOf(value: unknown, source: SourceLocation | undefined): Option {
  if (value === null || typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  const hint =
    typeof value === "object" || typeof value === "undefined" ? "" : `; write "${String(value)}" with quotes`;
  return fail(`expected the name of an option or a list of names, received ${describe(value)}${hint}`, source);
}

function readItem(node: Node): DefaultItem {
  if (node.type === "scalar" && typeof node.value === "string") return readText(node.value, node.source);
  if (node.type !== "map" || node.entries.size !== 1)
    return fail(
      `expected "- group: option", "- file" or "- _self_" in "defaults", received ${describe(toPlain(node))}`,
      node.source,
    );
  const [[key, value]] = [...node.entries] as [[string, Node]];
  const [name = "", pkg] = splitPackage(key);
  const words = name.split(" ");
  const group = words.pop()!;
  const keywords = new Set(words);
  for (const word of keywords)
    if (word !== "optional" && word !== "override")
      fail(
        `expected "group: option", after "optional" or "override" if need be, received ${JSON.stringify(key)}`,
        value.source,
      );
  if (withoutSlash(group) === "") fail(`expected a group, received ${JSON.stringify(key)}`, value.source);
  return {
    type: "group",
    group,
    package: pkg,
    option: optionOf(toPlain(value), value.source),
    optional: keywords.has("optional"),
    override: keywords.has("override"),
    source: value.source,
  };
}

function readText(text: string, source: SourceLocation | undefined): DefaultItem {
  const [path = "", pkg] = splitPackage(text);
  if (path !== "_self_") return { type: "file", path, package: pkg, optional: false, source };
  return pkg === undefined ? { type: "self", source } : fail('expected "_self_" without a package', source);
}

/** `name@package` */
function splitPackage(text: string): [string, string?] {
  const at = text.indexOf("@");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1).replace(/:.*$/, "")];
}
