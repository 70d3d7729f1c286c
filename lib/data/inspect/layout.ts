/** How a folder is divided into cases: which folders or files are one simulation each, and which files a case has. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, join, posix, resolve } from "node:path";
import { isReadable } from "./contents";

/** One simulation. */
export interface CaseFiles {
  /** Relative to the folder that was asked about. */
  readonly name: string;
  /** The folder of its files. */
  readonly folder: string;
  /** Its files relative to its folder; the case's name in them is `{case}`, an OpenFOAM case is `.`. */
  readonly files: readonly string[];
}

/** The cases of a folder. */
export interface Layout {
  /** Pattern that finds the cases, relative to the folder: `*` with a slash for folders; null where the folder itself is one case. */
  readonly pattern: string | null;
  /** Whether each case is a file, not a folder. */
  readonly casesAreFiles: boolean;
  readonly cases: readonly CaseFiles[];
  /** Names of folders that the pattern finds, too, and that hold nothing that is read. */
  readonly empty: readonly string[];
  /** Readable files beside the cases: tables of all of them, for example. */
  readonly beside: readonly string[];
}

const MAX_DEPTH = 4;
const collator = new Intl.Collator("en", { numeric: true });

/** Finds the cases of a folder. Undefined where nothing in it is of a format that is read. */
export function layoutOf(folder: string): Layout | undefined {
  return layout(folder, 0);
}

function layout(folder: string, depth: number): Layout | undefined {
  const { files, folders } = entriesOf(folder);
  const parts = depth >= MAX_DEPTH ? [] : folders.flatMap((name) => partOf(folder, name, depth));
  const meshes = files.filter((name) => !isTable(name));
  if (parts.length === 0) return filesAsCases(folder, files) ?? oneCase(folder, files);
  if (meshes.length > 0) return oneCase(folder, [...files, ...parts.flatMap(filesBelow)]);
  if (parts.some(({ inner }) => inner !== null && inner.pattern !== null)) return deeper(parts, files);
  if (!areAlike(parts)) return oneCase(folder, [...files, ...parts.flatMap(filesBelow)]);
  const cases = parts.map(({ name, path, inner }) => caseOf(name, path, inner?.cases[0]?.files ?? ["."]));
  const empty = folders.filter((name) => !parts.some((part) => part.name === name));
  return { pattern: "*/", casesAreFiles: false, cases, empty, beside: files };
}

/** A folder in a folder; `inner` is null where it is read as a whole (an OpenFOAM case, a Zarr store). */
interface Part {
  readonly name: string;
  readonly path: string;
  readonly inner: Layout | null;
}

function partOf(folder: string, name: string, depth: number): Part[] {
  const path = join(folder, name);
  if (isReadable(path)) return [{ name, path, inner: null }];
  const inner = layout(path, depth + 1);
  return inner === undefined ? [] : [{ name, path, inner }];
}

/** Folders of one simulation each have numbered names, or files of the same names. */
function areAlike(parts: readonly Part[]): boolean {
  if (parts.length === 1) return /\d/.test(parts[0]!.name) || parts[0]!.inner === null;
  const names = new Set(parts.map(({ name }) => withoutDigits(name)));
  if (names.size < parts.length) return true;
  const filesOf = (part: Part): readonly string[] =>
    caseOf(part.name, part.path, part.inner?.cases[0]?.files ?? ["."]).files;
  const [first, ...others] = parts.map(filesOf);
  return first!.some((file) => others.every((files) => files.includes(file)));
}

/** Cases in folders of folders. Where one folder alone has cases it is named, as others (scripts, pictures) would be found, too. */
function deeper(parts: readonly Part[], beside: readonly string[]): Layout {
  const withCases = parts.filter(({ inner }) => inner !== null && inner.pattern !== null);
  const [only] = withCases.length === 1 ? withCases : [];
  // the name of a case begins where the pattern varies
  const named = (part: Part, name: string): string => (only ? name : `${part.name}/${name}`);
  const inner = withCases[0]!.inner!;
  return {
    pattern: `${only?.name ?? "*"}/${inner.pattern}`,
    casesAreFiles: inner.casesAreFiles,
    cases: withCases.flatMap((part) => part.inner!.cases.map((each) => ({ ...each, name: named(part, each.name) }))),
    empty: withCases.flatMap((part) => part.inner!.empty.map((name) => named(part, name))),
    beside: [...beside, ...withCases.flatMap((part) => part.inner!.beside.map((file) => `${part.name}/${file}`))],
  };
}

/** `case_1.vtu`, `case_2.vtu`: a file is a case. */
function filesAsCases(folder: string, files: readonly string[]): Layout | undefined {
  const groups = new Map<string, string[]>();
  for (const name of files) {
    const key = withoutDigits(name);
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  const [largest] = [...groups].sort(([, a], [, b]) => b.length - a.length);
  if (largest === undefined || largest[1].length < 2) return undefined;
  const [key, names] = largest;
  if (files.some((name) => !names.includes(name) && !isTable(name))) return undefined;
  const cases = names.map((name) => ({ name: name.slice(0, -extname(name).length), folder, files: [name] }));
  return {
    pattern: key.replaceAll("#", "*"),
    casesAreFiles: true,
    cases,
    empty: [],
    beside: files.filter((name) => !names.includes(name)),
  };
}

function oneCase(folder: string, files: readonly string[]): Layout | undefined {
  if (files.length === 0) return undefined;
  return {
    pattern: null,
    casesAreFiles: false,
    cases: [caseOf(basename(resolve(folder)), folder, files)],
    empty: [],
    beside: [],
  };
}

function caseOf(name: string, folder: string, files: readonly string[]): CaseFiles {
  return { name, folder, files: files.map((file) => file.replaceAll(basename(name), "{case}")) };
}

function filesBelow({ name, inner }: Part): string[] {
  if (inner === null) return [name];
  return inner.cases.flatMap((each) =>
    each.files.map((file) => posix.join(name, file.replaceAll("{case}", basename(each.name)))),
  );
}

/** Tables stand beside cases as often as they are data of one. */
function isTable(name: string): boolean {
  return /\.(csv|tsv|dat|xy|parquet)$/i.test(name);
}

/** `case_12.h5` as `case_#.h5`. */
function withoutDigits(name: string): string {
  const extension = extname(name);
  return name.slice(0, name.length - extension.length).replace(/\d+/g, "#") + extension;
}

/** Readable files and the folders of a folder, without what collections there name and what programs keep for themselves. */
function entriesOf(folder: string): { files: string[]; folders: string[] } {
  const entries = readdirSync(folder, { withFileTypes: true })
    .map((entry) => ({
      name: entry.name,
      isFolder: statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory(),
    }))
    .filter(({ name, isFolder }) => isFolder !== undefined && !/^[._]|~$/.test(name))
    .sort((a, b) => collator.compare(a.name, b.name));
  const readable = entries.filter(({ name, isFolder }) => !isFolder && isReadable(join(folder, name)));
  const named = new Set(readable.flatMap(({ name }) => filesNamedIn(join(folder, name))));
  const homes = new Set([...named].map((path) => dirname(path)));
  return {
    files: readable.filter(({ name }) => !named.has(resolve(folder, name))).map(({ name }) => name),
    folders: entries
      .filter(({ name, isFolder }) => isFolder && !homes.has(resolve(folder, name)))
      .map(({ name }) => name),
  };
}

/** Files that a collection of VTK consists of. */
function filesNamedIn(path: string): string[] {
  if (!/\.(vtm|vtmb|pvd|pvtu|pvtp)$/i.test(path)) return [];
  const text = readFileSync(path, "utf8");
  return [...text.matchAll(/\b(?:file|Source)\s*=\s*["']([^"']+)["']/g)].map(([, file]) =>
    resolve(dirname(path), file!),
  );
}
