import { existsSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { loadUserKinds, userKindsIn } from "../../config/factory/load-kind";
import type { KindError } from "../../config/errors";
import { findKind } from "../../config/registry";

/** Kinds that are files relative to a project: `./model.ts#Model`. */
const isRelative = (kind: string): boolean => /^\.{1,2}\//.test(kind);
const fileOf = (kind: string): string => kind.split("#")[0]!;

/**
 * The folder that the kinds of a stored config are relative to: the first in which all of their files are.
 *
 * @param candidates - folders, the best guess first
 * @returns null when the files are in none of them
 */
export function findProject(tree: unknown, candidates: readonly (string | null)[]): string | null {
  const files = userKindsIn(tree).filter(isRelative).map(fileOf);
  const hasAll = (folder: string): boolean => files.every((file) => existsSync(resolve(folder, file)));
  return candidates.find((folder): folder is string => folder !== null && hasAll(folder)) ?? null;
}

/** A folder and those above it. */
export function foldersAbove(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...foldersAbove(parent)];
}

/**
 * The config with its kinds by absolute path, so that `./model.ts#Model` of two projects are two classes. A kind that the program
 * registered itself keeps its name.
 */
export function withAbsoluteKinds<T>(tree: T, project: string): T {
  const isOurs = resolve(project) === process.cwd();
  return mapKinds(tree, (kind) => {
    if (!isRelative(kind) || (isOurs && findKind(kind))) return kind;
    const [file = "", name] = kind.split("#");
    return resolve(project, file) + (name === undefined ? "" : `#${name}`);
  });
}

/** The other way round: kinds of files as they are written in the project, so that they hold on another machine. */
export function withRelativeKinds<T>(tree: T, project: string): T {
  return mapKinds(tree, (kind) => {
    const file = fileOf(kind);
    if (!isAbsolute(file)) return kind;
    const path = relative(resolve(project), file).replaceAll(sep, "/");
    return `${path.startsWith("../") ? "" : "./"}${path}${kind.slice(file.length)}`;
  });
}

function mapKinds<T>(tree: T, change: (kind: string) => string): T {
  const visit = (value: unknown, key: string): unknown => {
    if (typeof value === "string")
      return key === "kind" || key.endsWith("_kind") || key === "loss_fn" ? change(value) : value;
    if (Array.isArray(value)) return value.map((item) => visit(item, ""));
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, visit(item, name)]));
  };
  return visit(tree, "") as T;
}

/** Loads the user's classes of a config; what cannot be loaded comes back, for whoever needs it to tell. */
export async function tryLoadKinds(tree: unknown, project: string): Promise<Map<string, KindError>> {
  const failed = new Map<string, KindError>();
  await loadUserKinds(tree, project, (error) => void failed.set(error.kind, error));
  return failed;
}
