import { basename, dirname, extname, relative, resolve, sep } from "node:path";
import { statSync } from "node:fs";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { suggestNames, withSuggestion } from "../../../config/nearest-names";
import { expandUser } from "../../../core/providers/expand-user";
import type { CasesConfig } from "./config";
import { fixedFolder, glob, isPattern, nameMatcher, naturalOrder } from "./glob";

/** One simulation. */
export interface Case {
  /** Its folder or file relative to where the pattern begins to vary, without extension: `case_012`, `run1/case_2`. */
  readonly name: string;
  /** The folder in which its files are. */
  readonly folder: string;
  /** The file of the case, where cases are files. */
  readonly file: string | null;
}

/** The absolute folder where paths of a data set begin. */
export function rootOf(root: string | null): string {
  return resolve(expandUser(root ?? "."));
}

/**
 * The cases that a pattern finds, in natural order of their names.
 *
 * @throws FileNotFoundError when there are none; ValueError for two cases of one name, and for names in `exclude` that are no case
 */
export function findCases({ pattern, exclude }: CasesConfig, root: string): Case[] {
  const cases = [pattern].flat().flatMap((each) => casesOf(expandUser(each), root));
  const names = new Map<string, string>();
  for (const { name, file, folder } of cases) {
    const [path, other] = [file ?? folder, names.get(name)];
    if (other === path) continue;
    if (other !== undefined)
      throw new ValueError(`cases: expected one case of each name, but "${name}" is ${other} and ${path}`);
    names.set(name, path);
  }
  const distinct = cases.filter(({ name }, i) => cases.findIndex((other) => other.name === name) === i);
  const excluded = excludedNames(exclude, [...names.keys()]);
  const left = distinct.filter(({ name }) => !excluded.has(name)).sort((a, b) => naturalOrder(a.name, b.name));
  if (left.length === 0) throw new ValueError(`cases: expected cases, but exclude leaves out all ${names.size}`);
  return left;
}

function casesOf(pattern: string, root: string): Case[] {
  const paths = glob(pattern, root);
  if (paths.length === 0) throw new FileNotFoundError(`cases: ${nothingFound(pattern, root)}`);
  const folders = paths.filter((path) => statSync(path).isDirectory());
  if (folders.length > 0 && folders.length < paths.length) {
    const file = paths.find((path) => !folders.includes(path))!;
    throw new ValueError(
      `cases: expected folders or files, but "${pattern}" finds both (${basename(folders[0]!)} and ${basename(file)}): write "${pattern}/" for the folders, or the ending of the files`,
    );
  }
  const base = isPattern(pattern) ? fixedFolder(pattern, root) : dirname(paths[0]!);
  return paths.map((path) => {
    const isFile = !statSync(path).isDirectory();
    const local = relative(base, path).split(sep).join("/");
    const name = isFile ? local.slice(0, local.length - extname(local).length) : local;
    return { name, folder: isFile ? dirname(path) : path, file: isFile ? path : null };
  });
}

function nothingFound(pattern: string, root: string): string {
  const folder = fixedFolder(pattern, root);
  const what = pattern.endsWith("/") ? "folders" : "files or folders";
  if (!statSync(folder, { throwIfNoEntry: false })) return `expected ${what} "${pattern}", but there is no ${folder}`;
  const there = glob("*", folder).map((path) => basename(path));
  const shown = there.length === 0 ? "nothing" : `${there.slice(0, 5).join(", ")}${there.length > 5 ? ", …" : ""}`;
  return `expected ${what} "${pattern}" in ${root}, received none; ${folder} has ${shown}`;
}

function excludedNames(exclude: readonly string[], names: readonly string[]): Set<string> {
  return new Set(
    exclude.flatMap((pattern) => {
      const matching = names.filter(nameMatcher(pattern));
      if (matching.length === 0)
        throw new ValueError(withSuggestion(`cases: exclude names "${pattern}", which is no case`, pattern, names));
      return matching;
    }),
  );
}

/** `the case "run_12"`, or which there are. */
export function unknownCase(where: string, name: string, cases: readonly Case[]): ValueError {
  const names = cases.map((each) => each.name);
  return new ValueError(`${where}: expected the name of a case, received "${name}"; ${suggestNames(name, names)}`);
}
