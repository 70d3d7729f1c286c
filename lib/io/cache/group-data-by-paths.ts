import { posix } from "node:path";
import { InvalidInputError } from "../errors";

/**
 * Samples by folder and name, in the order that they come in.
 *
 * @param samples with a POSIX path as their name
 * @throws InvalidInputError for a path that is there twice
 */
export function groupDataByPaths<T extends { readonly name: string }>(
  samples: Iterable<T>,
): Map<string, Map<string, T>> {
  const groups = new Map<string, Map<string, T>>();
  for (const sample of samples) {
    const [folder, file] = [sample.name.includes("/") ? posix.dirname(sample.name) : "", posix.basename(sample.name)];
    const group = groups.get(folder) ?? new Map<string, T>();
    if (group.has(file)) throw new InvalidInputError(`Duplicate filename '${file}' in path '${folder}'`);
    groups.set(folder, group.set(file, sample));
  }
  return groups;
}
