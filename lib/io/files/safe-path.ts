import { lstatSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { InvalidInputError } from "../errors";

/**
 * The POSIX path of a file below a folder, as a server or a manifest names it: empty parts and `.` are left out.
 *
 * @throws InvalidInputError for a name that is absolute, has `..` in it, or is no name of a file
 */
export function relativePath(name: string): string {
  const refuse = (why: string): never => {
    throw new InvalidInputError(`Illegal relative path derived from a remote name: ${JSON.stringify(name)} ${why}`);
  };
  if (/^[/\\]/.test(name) || /^[a-zA-Z]:[/\\]/.test(name) || isAbsolute(name)) refuse("is absolute");
  if (/\p{Cc}/u.test(name)) refuse("has control characters");
  const parts = name.split(/[/\\]/);
  if (parts.includes("..")) refuse("leads out of the folder");
  // a backslash is a separator on Windows, where the file may be copied to: not a part of a name
  if (name.includes("\\")) refuse("has a backslash");
  if (name.endsWith("/")) refuse("names a folder");
  const kept = parts.filter((part) => part !== "" && part !== ".");
  if (kept.length === 0 || (kept.length === 1 && name.endsWith("/."))) refuse("names no file");
  return kept.join("/");
}

/**
 * Where the file of a name lies below a folder. Symbolic links on the way may not lead out of the folder, and the file
 * itself may be no link: what is written there would be written elsewhere.
 *
 * @throws InvalidInputError for a name that leads out of the folder
 */
export function pathBelow(folder: string, name: string): string {
  const relative = relativePath(name);
  const target = join(resolve(folder), ...relative.split("/"));
  const root = realPath(resolve(folder));
  const real = realPath(dirname(target));
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new InvalidInputError(
      `expected ${JSON.stringify(name)} to lie below ${folder}, but a symbolic link on the way leads to ${real}`,
    );
  return target;
}

/** The path with its links resolved, as far as it exists. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    // a link to nowhere would be followed by whoever writes there
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new InvalidInputError(`expected a folder at ${path}, but it is a symbolic link to nowhere`, {
        cause: error,
      });
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), path.slice(parent.length));
  }
}
