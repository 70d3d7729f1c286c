import { basename, join } from "node:path";
import { describeFailure } from "../../core/logging/failure";
import { readContents, type Contents, type ContentsOptions, type LoadedContents } from "./contents";
import type { CaseFiles, Layout } from "./layout";
import type { FieldSummary, MeshSummary } from "./summary";

/** What a folder of cases holds, as far as it was read. */
export interface FolderContents {
  readonly path: string;
  /** Pattern that finds the cases, relative to `path`; null where the folder is one case. */
  readonly pattern: string | null;
  readonly casesAreFiles: boolean;
  /** Names of all cases. */
  readonly cases: readonly string[];
  /** In how many cases each file is. */
  readonly files: Readonly<Record<string, number>>;
  /** Cases that lack a file which more than half of the cases have. */
  readonly incomplete: readonly string[];
  /** Folders that `pattern` finds, too, and that hold nothing that is read. */
  readonly empty: readonly string[];
  /** The cases that were read. */
  readonly read: readonly { readonly name: string; readonly files: Readonly<Record<string, Contents>> }[];
  /** Readable files beside the cases. */
  readonly beside: readonly Contents[];
  /** How cases differ from most others, one sentence each. */
  readonly differences: readonly string[];
  /** Files that could not be read, and why. */
  readonly problems: readonly string[];
}

/** Options of {@link readFolder}. */
export interface FolderOptions extends ContentsOptions {
  /** Most cases that are read, spread over all. */
  readonly mostCases: number;
  /** Called before a file is read. */
  readonly onFile?: (path: string, number: number, total: number) => void;
  /** Called with what the first case holds, before its memory is given back. */
  readonly onFirstCase?: (file: string, loaded: LoadedContents) => void;
}

/** Path of a file of a case. */
export function pathOf(where: CaseFiles, file: string): string {
  return file === "." ? where.folder : join(where.folder, file.replaceAll("{case}", basename(where.name)));
}

/** Reads cases of a folder one file after the other, and compares them. A file that cannot be read is one of the `problems`. */
export async function readFolder(path: string, layout: Layout, options: FolderOptions): Promise<FolderContents> {
  const { cases, casesAreFiles, pattern } = layout;
  const files: Record<string, number> = {};
  for (const file of cases.flatMap((each) => (casesAreFiles ? ["{case}"] : each.files)))
    files[file] = (files[file] ?? 0) + 1;
  const problems: string[] = [];
  const chosen = spread(cases, options.mostCases);
  const total = chosen.reduce((sum, each) => sum + each.files.length, 0);
  let number = 0;
  const load = async (file: string): Promise<LoadedContents | undefined> => {
    options.onFile?.(file, ++number, total);
    try {
      return await readContents(file, options);
    } catch (error) {
      problems.push(describeFailure(error));
      return undefined;
    }
  };
  const read: { name: string; files: Record<string, Contents> }[] = [];
  for (const each of chosen) {
    const own: Record<string, Contents> = {};
    for (const file of each.files) {
      const loaded = await load(pathOf(each, file));
      if (loaded === undefined) continue;
      own[casesAreFiles ? "{case}" : file] = loaded.contents;
      if (read.length === 0) options.onFirstCase?.(file, loaded);
    }
    read.push({ name: each.name, files: own });
  }
  const beside: Contents[] = [];
  for (const file of layout.beside.slice(0, 20)) {
    const loaded = await load(join(path, file));
    if (loaded !== undefined) beside.push(loaded.contents);
  }
  const usual = Object.keys(files).filter((file) => 2 * files[file]! > cases.length);
  const incomplete = cases.filter((each) => !casesAreFiles && !usual.every((file) => each.files.includes(file)));
  const { empty } = layout;
  const differences = [...missingFiles(cases, files, casesAreFiles), ...emptyFolders(empty), ...compare(read)];
  return {
    path,
    pattern,
    casesAreFiles,
    cases: cases.map(({ name }) => name),
    files,
    incomplete: incomplete.map(({ name }) => name),
    empty,
    read,
    beside,
    differences,
    problems,
  };
}

/** At most so many of a list: first, last, and between them at equal distances. */
function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  if (most === 1) return list.slice(0, 1);
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]!);
}

function missingFiles(
  cases: readonly CaseFiles[],
  files: Readonly<Record<string, number>>,
  casesAreFiles: boolean,
): string[] {
  if (casesAreFiles) return [];
  return Object.entries(files).flatMap(([file, count]) => {
    if (count === cases.length) return [];
    const isRare = count <= cases.length / 2;
    const names = cases.filter((each) => each.files.includes(file) === isRare).map(({ name }) => name);
    return isRare ? [`only ${listed(names)} has ${file}`] : [`${listed(names)} has no ${file}`];
  });
}

function emptyFolders(names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${listed(names)}: no files that are read`];
}

/** `a`, or `a and 3 more`. */
function listed(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

// ---- what differs inside the files

function compare(read: FolderContents["read"]): string[] {
  const names = new Set(read.flatMap(({ files }) => Object.keys(files)));
  return [...names].flatMap((file) => {
    const parts = read.flatMap(({ name, files }) => (files[file] ? [{ name, traits: traitsOf(files[file]) }] : []));
    const keys = new Set(parts.flatMap(({ traits }) => [...traits.keys()]));
    return [...[...keys].flatMap((key) => unlike(file, key, parts)), ...otherSizes(file, read)];
  });
}

/** Extents that differ so much from the median that their units must be others. */
const UNIT_FACTOR = 30;

function otherSizes(file: string, read: FolderContents["read"]): string[] {
  const sizes = read.flatMap(({ name, files }) => {
    const bounds = files[file]?.mesh?.bounds;
    if (!bounds) return [];
    return [{ name, size: Math.max(...bounds.max.map((value, d) => value - bounds.min[d]!)) }];
  });
  const sorted = sizes.map(({ size }) => size).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  return sizes
    .filter(({ size }) => size > UNIT_FACTOR * median || size < median / UNIT_FACTOR)
    .map(({ name, size }) => {
      const where = file === "{case}" ? "" : ` in ${file}`;
      return `${name}${where}: extent ${Number(size.toPrecision(3))}, elsewhere about ${Number(median.toPrecision(3))}: are the units others?`;
    });
}

type Part = { readonly name: string; readonly traits: ReadonlyMap<string, string> };

/** What most cases have is the rule; the others are named. */
function unlike(file: string, key: string, parts: readonly Part[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { name, traits } of parts) {
    const value = traits.get(key) ?? "none";
    groups.set(value, [...(groups.get(value) ?? []), name]);
  }
  const [rule, ...others] = [...groups].sort(([, a], [, b]) => b.length - a.length);
  const where = file === "{case}" ? "" : ` in ${file}`;
  return others.map(([value, names]) => `${listed(names)}${where}: ${key} ${value}, elsewhere ${rule![0]}`);
}

/** What should be the same in every case. */
function traitsOf({ mesh, arrays, times }: Contents): Map<string, string> {
  const traits = new Map<string, string>();
  if (times.length > 0) traits.set("number of times", String(times.length));
  const addFields = (fields: readonly FieldSummary[], where: string): void => {
    for (const field of fields) traits.set(`${where} ${JSON.stringify(field.name)}`, traitOf(field));
  };
  const addMesh = (part: MeshSummary, prefix: string): void => {
    addFields(part.fields.points, `${prefix}field on points`);
    addFields(part.fields.cells, `${prefix}field on cells`);
    addFields(part.fields.whole, `${prefix}field of the whole`);
    for (const [name, block] of Object.entries(part.blocks)) {
      traits.set(`${prefix}block ${name}`, "there");
      addMesh(block, `${prefix}${name}/`);
    }
  };
  if (mesh) addMesh(mesh, "");
  if (arrays) addFields(arrays, "array");
  return traits;
}

function traitOf({ dtype, shape, nan, infinite, unit }: FieldSummary): string {
  const components = shape.slice(1).join(" × ");
  const bad = [nan > 0 ? "with NaN" : "", infinite > 0 ? "with infinite values" : ""].filter(Boolean);
  return [dtype, components === "" ? "" : `of ${components} components`, unit ? `in ${unit}` : "", ...bad]
    .filter(Boolean)
    .join(" ");
}
