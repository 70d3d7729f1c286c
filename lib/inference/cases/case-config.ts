import { existsSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { isMapping, validateConfig } from "../../config/schema";
import { readArrays, readMesh, type FieldMap, type Mesh } from "../../data";
import {
  COMPUTED,
  FolderDatasetConfig,
  propertiesOf,
  type DomainConfig,
  type PropertyConfig,
} from "../../data/datasets/folder/config";
import type { Location } from "../../data/geometry/surface-normals";
import { isArrayFile } from "../../data/datasets/folder/case-reader";
import { selectBlocks } from "../../data/datasets/folder/select-blocks";
import type { DescribedRun, InputField, OutputField } from "../predict/run-fields";
import { parseDomainFile, type CaseOptions, type DomainFile } from "./case-options";

const FOLDER_DATASET = "noether.data.datasets.FolderDataset";

/** Which file, and how its fields become those of the run: the config of a `FolderDataset` with one case. */
export interface CaseConfig {
  readonly config: FolderDatasetConfig;
  /** The same with the fields that the model predicts, where the files may have them. */
  readonly withTruth: FolderDatasetConfig;
}

/** What all data sets of one case have in common: the values come raw, all points in the order of the file. */
const WHOLE = {
  kind: FOLDER_DATASET,
  split: null,
  splits: null,
  pipeline: null,
  normalize: null,
  dataset_normalizers: null,
  dataset_wrappers: null,
  included_properties: null,
  excluded_properties: null,
};

/** @throws FileNotFoundError, ValueError that says what has to be given */
export async function caseConfig(run: DescribedRun, input: string, options: CaseOptions): Promise<CaseConfig> {
  const path = resolve(input);
  if (!existsSync(path))
    throw new FileNotFoundError(`${input}: expected a case (a folder or a file), got nothing of that name`);
  const stored = run.datasetConfig;
  const config =
    stored?.["kind"] === FOLDER_DATASET ? ofFolder(run, stored, path, options) : await ofFiles(run, path, options);
  const inputs = withoutProperties(config, new Set(run.outputs.map(({ name }) => name)));
  // fields come at every point of the mesh, so that none may be left out
  return { config: { ...inputs, non_finite: "error" }, withTruth: { ...config, conditions: {}, non_finite: "keep" } };
}

/** A run that was trained on a folder: its config says where everything is. */
function ofFolder(
  run: DescribedRun,
  stored: Readonly<Record<string, unknown>>,
  path: string,
  { domains = {}, fields = {}, conditions = {}, location, plane, time }: CaseOptions,
): FolderDatasetConfig {
  if (plane !== undefined)
    throw new ValueError(
      `plane: expected none, got "${plane}"; the config of this run says which axes its positions have`,
    );
  const full = validateConfig(FolderDatasetConfig, { ...stored, ...WHOLE, cases: path });
  const isFile = statSync(path).isFile();
  const needed = new Set([...run.inputs, ...run.outputs].map(({ name }) => name));
  const changed = Object.entries(full.domains).map(([name, domain]) => {
    const own = domains[name];
    const file = own === undefined ? null : parseDomainFile(own);
    // a file in place of a folder: that of the only domain
    const given = file === null && isFile && run.domains.length === 1 && domain.file !== null ? { file: path } : {};
    const properties = Object.fromEntries(
      Object.entries(domain).filter(
        ([key]) => key in FULL_DOMAIN || key === "position" || needed.has(`${name}_${key}`),
      ),
    );
    return [
      name,
      {
        ...properties,
        max_points: null,
        ...(time === undefined ? {} : { time }),
        ...given,
        ...(file === null ? {} : { file: resolve(file.path), ...partsOf(file) }),
        ...renamed(name, domain, fields),
        ...(location === undefined ? {} : { position: positionOn(location, domain) }),
      },
    ] as const;
  });
  const kept = Object.entries(full.conditions).filter(([key]) => needed.has(key) && !(key in conditions));
  return validateConfig(FolderDatasetConfig, {
    ...full,
    cases: path,
    domains: unitsOfProperties(Object.fromEntries<Record<string, unknown>>(changed)),
    conditions: Object.fromEntries(kept),
  });
}

function positionOn(location: Location, domain: DomainConfig): PropertyConfig {
  return { ...propertiesOf(domain).get("position")!, field: location === "points" ? "points" : "cell_centers" };
}

const FULL_DOMAIN = { file: 0, patches: 0, blocks: 0, time: 0, max_points: 0, seed: 0, units: 0 };

function renamed(
  domain: string,
  config: DomainConfig,
  fields: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return Object.fromEntries(
    [...propertiesOf(config)].flatMap(([property, own]) => {
      const name = fields[`${domain}_${property}`] ?? fields[property];
      if (name === undefined) return [];
      return [[property, name === "computed" ? name : { ...own, field: name, computed: null, to: null }] as const];
    }),
  );
}

/** Without the properties of some sample keys. */
function withoutProperties(config: FolderDatasetConfig, keys: ReadonlySet<string>): FolderDatasetConfig {
  const domains = Object.entries(config.domains).map(([name, domain]): [string, Record<string, unknown>] => [
    name,
    Object.fromEntries(Object.entries(domain).filter(([key]) => key in FULL_DOMAIN || !keys.has(`${name}_${key}`))),
  ]);
  return validateConfig(FolderDatasetConfig, { ...config, domains: unitsOfProperties(Object.fromEntries(domains)) });
}

/** Units of properties that are gone have to go, too. */
function unitsOfProperties(domains: Record<string, Record<string, unknown>>): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(domains).map(([name, domain]) => {
      const units = isMapping(domain["units"]) ? domain["units"] : {};
      return [name, { ...domain, units: Object.fromEntries(Object.entries(units).filter(([key]) => key in domain)) }];
    }),
  );
}

/** A run of other data: the options say which file is which domain, names say the rest. */
async function ofFiles(run: DescribedRun, path: string, options: CaseOptions): Promise<FolderDatasetConfig> {
  const files = domainFiles(run, path, options.domains ?? {});
  const entries: [string, unknown][] = [];
  for (const [domain, file] of files) entries.push([domain, await domainOf(run, domain, file, options)]);
  const conditions = run.inputs.flatMap(({ name, role }) =>
    role === "condition" && !(name in (options.conditions ?? {})) && isArrayFile(path)
      ? [[name, { file: path, field: options.fields?.[name] ?? name }] as const]
      : [],
  );
  return validateConfig(FolderDatasetConfig, {
    ...WHOLE,
    cases: path,
    domains: Object.fromEntries(entries),
    conditions: Object.fromEntries(conditions),
  });
}

function domainFiles(
  run: DescribedRun,
  path: string,
  given: Readonly<Record<string, string>>,
): Map<string, DomainFile> {
  const files = new Map(Object.entries(given).map(([domain, text]) => [domain, parseDomainFile(text)]));
  const missing = run.domains.filter((domain) => !files.has(domain));
  if (missing.length === 1 || (missing.length > 0 && isArrayFile(path))) {
    for (const domain of missing) files.set(domain, { path, parts: null });
  } else if (missing.length > 1) {
    throw new ValueError(
      `${path}: expected to be told which file is which domain of the run (${run.domains.join(", ")}); give --domain ${missing[0]}=FILE (in code domains: { ${missing[0]}: FILE }) for all but one of them; patches of a case are FILE#PATCH`,
    );
  }
  for (const file of files.values())
    if (!existsSync(file.path))
      throw new FileNotFoundError(`${file.path}: expected the file of a domain, got nothing of that name`);
  return new Map(run.domains.map((domain) => [domain, files.get(domain)!]));
}

/** The fields of a file that the run knows by name. */
async function domainOf(
  run: DescribedRun,
  domain: string,
  file: DomainFile,
  { fields = {}, location, plane, time }: CaseOptions,
): Promise<Record<string, unknown>> {
  const isArrays = isArrayFile(file.path);
  const own = [...run.inputs, ...run.outputs].filter(
    (field) => field.domain === domain && roleOf(field) !== "condition",
  );
  const position = run.inputs.find((field) => field.domain === domain && field.role === "position")!;
  const mesh = isArrays ? null : partOf(await readMesh(file.path, timeOption(time)), file);
  const on = mesh === null ? "points" : (location ?? (isOpenFoam(file.path) ? "cells" : "points"));
  const there = mesh === null ? await namesIn(file.path) : on === "points" ? mesh.pointData : mesh.cellData;
  const properties: Record<string, unknown> = {};
  for (const field of own) {
    const property = field.name.slice(domain.length + 1);
    const wanted = fields[field.name] ?? fields[property];
    const name = wanted ?? [property, field.name].find((candidate) => there.has(candidate));
    if (field === position) {
      properties["position"] =
        mesh === null
          ? { field: wanted ?? [field.name, property].find((candidate) => there.has(candidate)) ?? field.name }
          : { field: on === "points" ? "points" : "cell_centers", ...axes(position, mesh, plane, file.path) };
    } else if (name === "computed") {
      const kind = COMPUTED.find((candidate) => candidate === property);
      if (kind === undefined)
        throw new ValueError(
          `field "${property}": expected one of ${COMPUTED.join(", ")} to be computed, got "${property}"`,
        );
      properties[property] = "computed";
    } else if (name !== undefined) {
      properties[property] = { field: name };
    } else if ("role" in field) {
      throw new ValueError(
        `${file.path}: expected the input "${field.name}" on its ${on}, got ${[...there.keys()].join(", ") || "no fields"}; give --map ${property}=NAME (in code fields: { ${property}: NAME })`,
      );
    }
  }
  return { file: resolve(file.path), ...(time === undefined ? {} : { time }), ...partsOf(file), ...properties };
}

const roleOf = (field: InputField | OutputField): string => ("role" in field ? field.role : "output");
const timeOption = (time: CaseOptions["time"]) =>
  time === undefined ? {} : ({ time: time === "latest" ? "last" : time } as const);

function isOpenFoam(path: string): boolean {
  return extname(path).toLowerCase() === ".foam" || statSync(path).isDirectory();
}

function partsOf({ path, parts }: DomainFile): Record<string, unknown> {
  if (parts === null) return {};
  return isOpenFoam(path) ? { patches: parts } : { blocks: parts };
}

function partOf(mesh: Mesh, { path, parts }: DomainFile): Mesh {
  try {
    return selectBlocks(mesh, parts, isOpenFoam(path) ? "patches" : "blocks");
  } catch (error) {
    throw new ValueError(`${path} ${(error as Error).message}`, { cause: error });
  }
}

async function namesIn(path: string): Promise<FieldMap> {
  const arrays = await readArrays(path);
  return arrays;
}

/** Which coordinates a model in the plane gets. @throws ValueError where the mesh is not plane and nobody says */
function axes({ channels }: InputField, mesh: Mesh, plane: string | undefined, path: string): Record<string, unknown> {
  if (plane !== undefined && channels !== null && channels !== 2)
    throw new ValueError(`plane: expected for models in two dimensions only, got "${plane}" for one in ${channels}`);
  if (plane !== undefined) return { components: [...plane] };
  if (channels !== 2) return {};
  const { points } = mesh;
  for (let i = 2; i < points.length; i += 3) {
    if (points[i] !== points[2])
      throw new ValueError(
        `${path}: expected a mesh in a plane of constant z for a model in two dimensions; give --plane xy, xz or yz`,
      );
  }
  return { components: ["x", "y"] };
}
