/** The YAML of a `FolderDataset` for what was found. */
import { basename, extname, relative, resolve, sep } from "node:path";
import { writeYaml } from "../../config";
import type { Contents } from "./contents";
import type { FolderContents } from "./folder";
import type { FieldSummary, MeshSummary } from "./summary";

type Properties = Record<string, unknown>;

/** Names that solvers give to the quantities that models are made for. */
const NAMES: Readonly<Record<string, string>> = {
  p: "pressure",
  p_rgh: "reduced_pressure",
  u: "velocity",
  v: "velocity",
  vel: "velocity",
  t: "temperature",
  rho: "density",
  cp: "pressure_coefficient",
  cf: "friction_coefficient",
  k: "turbulent_kinetic_energy",
  nut: "turbulent_viscosity",
  wss: "wall_shear_stress",
  normal: "normals",
};

/** Keys of a domain that are no properties. */
const RESERVED = new Set(["file", "patches", "blocks", "time", "max_points", "seed", "units", "position"]);

/** Numbers of points and the like that programs write beside the fields. */
const BOOKKEEPING = /^(vtk|global|pedigree)|ids?$|^C$|^V$|^(type|TimeValue|cellID|procID)$/i;

/**
 * Proposes a config from the first case that was read.
 *
 * @returns undefined where no case has points with fields
 */
export function proposeConfig(folder: FolderContents): string | undefined {
  const first = folder.read.find(({ name }) => !folder.incomplete.includes(name));
  const domains = first === undefined ? {} : domainsOf(first.files, folder);
  if (Object.keys(domains).length === 0) return undefined;
  const count = folder.cases.length - folder.incomplete.length;
  const pattern = patternOf(folder);
  const exclude = [...folder.incomplete, ...folder.empty];
  return writeYaml({
    kind: "noether.data.datasets.FolderDataset",
    cases: exclude.length === 0 ? pattern : { pattern, exclude },
    ...(count >= 3 && { split: "train", splits: { ...sharesOf(count), seed: 0 } }),
    ...domains,
    ...(Object.keys(conditionsOf(folder)).length > 0 && { conditions: conditionsOf(folder) }),
    normalize: "auto",
  });
}

/** Shares that leave at least one case to each split. */
function sharesOf(count: number): Record<string, number> {
  if (count >= 10) return { train: 0.8, val: 0.1, test: 0.1 };
  return count > 3 ? { train: 0.6, val: 0.2, test: 0.2 } : { train: 0.4, val: 0.3, test: 0.3 };
}

/** Folders end with a slash, as in the config of the data set; a file is one case. */
function patternOf({ path, pattern, casesAreFiles }: FolderContents): string {
  const start = configPath(path);
  if (pattern === null && casesAreFiles) return start;
  return `${start === "" || start.endsWith("/") ? start : `${start}/`}${pattern ?? ""}` || "./";
}

/** As a config names it: relative to the working directory, or absolute where it lies outside. */
function configPath(path: string): string {
  const from = relative("", path);
  return (from.startsWith("..") ? resolve(path) : from).split(sep).join("/");
}

function domainsOf(files: Readonly<Record<string, Contents>>, folder: FolderContents): Record<string, Properties> {
  const domains: Record<string, Properties> = {};
  const add = (name: string, domain: Properties | undefined, fallback: string): void => {
    if (domain === undefined) return;
    const free = [name, fallback].find((each) => !(each in domains));
    if (free !== undefined) domains[free] = domain;
    else {
      let number = 2;
      while (`${name}_${number}` in domains) number++;
      domains[`${name}_${number}`] = domain;
    }
  };
  const loose: [string, Contents][] = [];
  for (const [file, contents] of Object.entries(files)) {
    if (2 * (folder.files[file] ?? 0) <= folder.cases.length) continue;
    const entry = folder.casesAreFiles ? {} : { file };
    const stem = identifier(basename(file, extname(file)).replaceAll("{case}", "")) || "points";
    if (contents.arrays) {
      const isAlone = contents.arrays.length === 1 && !folder.casesAreFiles;
      const whole = isAlone ? undefined : domainOfArrays(contents.arrays, entry);
      if (whole === undefined) loose.push([file, contents]);
      else add(domainName(stem, 0), whole, stem);
    } else if (contents.format === "OpenFOAM case") {
      add("volume", domainOfMesh(contents.mesh!, entry), stem);
      add("surface", wallsOf(contents.mesh!, entry), `${stem}_surface`);
    } else if (Object.keys(contents.mesh!.blocks).length > 0) {
      for (const [name, block] of Object.entries(contents.mesh!.blocks))
        add(
          identifier(name) || "block",
          domainOfMesh(block, { ...entry, blocks: name }),
          `${stem}_${identifier(name)}`,
        );
    } else add(domainName(stem, contents.mesh!.dimension), domainOfMesh(contents.mesh!, entry), stem);
  }
  for (const [name, domain] of domainsOfFiles(loose)) add(name, domain, name);
  return domains;
}

/** `surface` and `volume`, which models are configured with, where the file's name or its cells say so. */
function domainName(stem: string, dimension: number): string {
  if (/surf|wall|body|boundary|skin|hull/i.test(stem)) return "surface";
  if (/vol|internal|interior|fluid|domain/i.test(stem)) return "volume";
  return dimension === 3 ? "volume" : dimension === 2 ? "surface" : stem;
}

function domainOfMesh(mesh: MeshSummary, entry: Properties): Properties | undefined {
  const [onPoints, onCells] = [usable(mesh.fields.points), usable(mesh.fields.cells)];
  if (mesh.points === 0) return undefined;
  const fields = onCells.length > onPoints.length ? onCells : onPoints;
  const properties = propertiesOf(fields);
  if (mesh.dimension === 2 && !("normals" in properties)) properties.normals = "computed";
  return { ...entry, position: fields === onCells && onCells.length > 0 ? "cell_centers" : "points", ...properties };
}

/** The walls of an OpenFOAM case, with the fields that all of them have. */
function wallsOf({ blocks }: MeshSummary, entry: Properties): Properties | undefined {
  const walls = Object.entries(blocks).filter(
    ([, block]) =>
      block.cells > 0 && block.fields.whole.some(({ name, texts }) => name === "type" && texts?.[0] === "wall"),
  );
  if (walls.length === 0) return undefined;
  const [first, ...others] = walls.map(([, block]) => usable(block.fields.cells));
  const common = first!.filter(({ name }) => others.every((fields) => fields.some((field) => field.name === name)));
  const names = walls.map(([name]) => name);
  return {
    ...entry,
    patches: names.length === 1 ? names[0] : names,
    position: "cell_centers",
    ...propertiesOf(common),
    normals: "computed",
  };
}

function usable(fields: readonly FieldSummary[]): FieldSummary[] {
  return fields.filter(
    ({ name, dtype, shape }) =>
      /^float/.test(dtype) && shape.length <= 2 && (shape[1] ?? 1) <= 9 && !BOOKKEEPING.test(name),
  );
}

function propertiesOf(fields: readonly FieldSummary[]): Properties {
  const properties: Properties = {};
  for (const { name } of fields) {
    const key = propertyName(name);
    if (key !== "" && !(key in properties)) properties[key] = name;
  }
  return properties;
}

/** `pMean` is `pressure_mean`, `wallShearStress` `wall_shear_stress`. */
function propertyName(field: string): string {
  const [, stem, suffix] = /^(.+?)(Mean|Prime2Mean|_mean|_avg)?$/.exec(field) ?? [];
  const known = NAMES[(stem ?? field).toLowerCase()];
  const name =
    known === undefined ? identifier(field) : [known, suffix && identifier(suffix)].filter(Boolean).join("_");
  return RESERVED.has(name) ? `${name}_field` : name;
}

/** Letters, digits and `_`, beginning with a letter: `Wall Shear (x)` is `wall_shear_x`. */
function identifier(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^[^A-Za-z]+|_+$/g, "")
    .toLowerCase();
}

// ---- arrays

/** Coordinates among arrays: one of three columns, or three columns. */
function positionOf(arrays: readonly FieldSummary[]): string | string[] | undefined {
  const one = arrays.find(({ name, shape }) => shape.length === 2 && shape[1] === 3 && isPosition(name));
  if (one !== undefined) return one.name;
  for (const pattern of [
    /^(.*?)[xyz]$/i,
    /^(?:points?|position|coordinates?)[:_ ]?[012]$/i,
    /^([xyz])[-_ ](?:coordinate|coord)s?.*$/i,
  ]) {
    const matching = arrays.filter(({ name, shape }) => shape.length === 1 && pattern.test(name)).slice(0, 3);
    if (matching.length === 3 && ordered(matching.map(({ name }) => name))) return matching.map(({ name }) => name);
  }
  return undefined;
}

function ordered(names: readonly string[]): boolean {
  const marks = names.map((name) =>
    (/[012]$/.exec(name) ?? /[xyz](?=$|[-_ ]coord)/i.exec(name) ?? [""])[0].toLowerCase(),
  );
  return ["xyz", "012"].includes(marks.join(""));
}

function isPosition(name: string): boolean {
  return /point|pos|coord|xyz|vert|node|cent(er|re)/i.test(name) && !/press|normal/i.test(name);
}

function domainOfArrays(arrays: readonly FieldSummary[], entry: Properties): Properties | undefined {
  const position = positionOf(arrays);
  if (position === undefined) return undefined;
  const used = [position].flat();
  const rows = arrays.find(({ name }) => name === used[0])!.shape[0];
  const fields = usable(arrays).filter(({ name, shape }) => !used.includes(name) && shape[0] === rows);
  return { ...entry, position, ...propertiesOf(fields) };
}

/** Files of one array each, as `surface_points.npy` and `surface_pressure.npy`: those with as many rows are one domain. */
function domainsOfFiles(files: readonly [string, Contents][]): [string, Properties][] {
  const single = files.flatMap(([file, { arrays }]) => (arrays?.length === 1 ? [{ file, array: arrays[0]! }] : []));
  const positions = single.filter(
    ({ file, array }) => array.shape.length === 2 && array.shape[1] === 3 && isPosition(basename(file)),
  );
  return positions.map(({ file, array }) => {
    const others = single.filter(
      (other) => other.file !== file && other.array.shape[0] === array.shape[0] && usable([other.array]).length === 1,
    );
    const stem = identifier(basename(file, extname(file)).replaceAll("{case}", ""));
    const prefix = stem.split("_")[0]!;
    const name = isPosition(prefix) ? "points" : prefix;
    const properties = others.map((other) => {
      const own = identifier(basename(other.file, extname(other.file)).replaceAll("{case}", ""));
      return [propertyName(own.startsWith(`${prefix}_`) ? own.slice(prefix.length + 1) : own), { file: other.file }];
    });
    return [name, { position: { file }, ...(Object.fromEntries(properties) as Properties) }];
  });
}

/** Tables with a row for each case, and numbers of the whole case. */
function conditionsOf(folder: FolderContents): Properties {
  const tables = folder.beside.filter(
    ({ arrays }) =>
      arrays?.some(({ dtype }) => dtype === "text") &&
      arrays.some(({ shape, dtype }) => dtype !== "text" && shape[0] === folder.cases.length),
  );
  return Object.fromEntries(
    tables.map(({ path }) => [identifier(basename(path, extname(path))) || "parameters", { table: configPath(path) }]),
  );
}
