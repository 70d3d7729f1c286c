/** Patterns of paths and names: `*` stands for any text without slashes, `?` for one letter. */
import { readdirSync, statSync } from "node:fs";
import { isAbsolute, join, parse, resolve } from "node:path";

/** Whether a text has parts that stand for others. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/** A function that says whether a whole name fits a pattern. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const expression = new RegExp(`^${source}$`, "su");
  return (name) => expression.test(name);
}

const collator = new Intl.Collator("en", { numeric: true });

/** Names in the order in which people count: `case_2` before `case_10`. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** The folder of a pattern that has no parts which stand for others, absolute. */
export function fixedFolder(pattern: string, root: string): string {
  const segments = segmentsOf(pattern);
  const first = segments.findIndex(isPattern);
  const fixed = segments.slice(0, first < 0 ? segments.length - 1 : first);
  return resolve(startOf(pattern, root), ...fixed);
}

/**
 * The paths that fit a pattern, absolute, in natural order. A pattern that ends with a slash means folders, any other one
 * whatever has the name. As in a shell, `*` leaves out names that begin with a dot.
 */
export function glob(pattern: string, root: string): string[] {
  const foldersOnly = pattern.endsWith("/");
  const segments = segmentsOf(pattern);
  let paths = [startOf(pattern, root)];
  segments.forEach((segment, depth) => {
    const mustBeFolder = depth < segments.length - 1 || foldersOnly;
    paths = paths.flatMap((folder) => entriesOf(folder, segment)).filter((path) => !mustBeFolder || isFolder(path));
  });
  return paths.sort(naturalOrder);
}

function startOf(pattern: string, root: string): string {
  return isAbsolute(pattern) ? parse(pattern).root : root;
}

function segmentsOf(pattern: string): string[] {
  const relative = isAbsolute(pattern) ? pattern.slice(parse(pattern).root.length) : pattern;
  return relative.split("/").filter((segment) => segment !== "" && segment !== ".");
}

function entriesOf(folder: string, segment: string): string[] {
  if (!isPattern(segment)) {
    const path = join(folder, segment);
    return statSync(path, { throwIfNoEntry: false }) ? [path] : [];
  }
  const matches = nameMatcher(segment);
  const isHidden = (name: string): boolean => name.startsWith(".") && !segment.startsWith(".");
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.filter((name) => !isHidden(name) && matches(name)).map((name) => join(folder, name));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
