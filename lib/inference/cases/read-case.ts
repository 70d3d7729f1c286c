import { basename, extname, resolve } from "node:path";
import { FileNotFoundError, KeyError, ValueError } from "../../config/python-errors";
import { FolderDataset, readMesh } from "../../data";
import { CaseReader } from "../../data/datasets/folder/case-reader";
import { toSI } from "../../data/datasets/folder/units";
import type { FolderDatasetConfig } from "../../data/datasets/folder/config";
import { scope, type Tensor } from "../../torch";
import type { PredictedField } from "../predict/field-buffers";
import type { DescribedRun } from "../predict/run-fields";
import { caseConfig } from "./case-config";
import type { CaseDomain, CaseFiles } from "./case-files";
import { checkCaseOptions, type CaseOptions } from "./case-options";
import { withOneDomain, withoutDomains } from "./without-domains";
import { isLoneBody, MIDDLE, withDomainsOfBody } from "./lone-body";

/**
 * Reads a case: a folder or file of the data layer's formats. For runs that were trained on a `FolderDataset` its config says which
 * files and fields are which; for others `options` say it, and arrays of a file have the names of the run's inputs. Of a run with a volume
 * an STL, PLY or OBJ file alone is the surface, and a slice around it the volume.
 *
 * @throws FileNotFoundError, FileFormatError; ValueError that names what is missing and how to give it
 */
export async function readCase(run: DescribedRun, path: string, options: CaseOptions = {}): Promise<CaseFiles> {
  if (run.domains.includes("")) {
    requirePosition(run, path);
    return withoutDomains(await readFiles(withOneDomain(run), path, options));
  }
  if (!isLoneBody(run, path, options)) return readFiles(run, path, options);
  // what stands beside a body is not its case
  requireConditions(
    path,
    run.inputs.flatMap(({ name, role }) =>
      role === "condition" && !(name in (options.conditions ?? {})) ? [name] : [],
    ),
  );
  return withDomainsOfBody(run.domains, path, await readMesh(path), MIDDLE, async (domains) =>
    readFiles(run, path, { ...options, domains }),
  );
}

async function readFiles(run: DescribedRun, path: string, options: CaseOptions): Promise<CaseFiles> {
  const { inputs, outputs, domains } = run;
  const conditions = inputs.flatMap(({ name, role }) => (role === "condition" ? [name] : []));
  const ofDomains = [...inputs, ...outputs].flatMap(({ name, domain }) =>
    domain === "" ? [name] : [name, name.slice(domain.length + 1)],
  );
  checkCaseOptions(options, { domains, names: ofDomains, conditions });
  const { config, withTruth } = await caseConfig(run, path, options);
  const isDouble = run.dtype === "float64";
  const files = new FolderDataset(config);
  files.isDouble = isDouble;
  const where = files.cases[0]!;
  const given = options.conditions ?? {};
  const missing = conditions.filter((name) => !(name in given) && !files.conditions.has(name));
  requireConditions(path, missing);
  const keys = inputs.flatMap(({ name }) => (name in given ? [] : [name]));
  const values = await rawValues(files, keys).catch((error: unknown) => {
    // what a data set may do with such points, a prediction cannot
    const [message, hint] = error instanceof ValueError ? error.message.split("; non_finite:") : [];
    throw hint === undefined ? error : new ValueError(`${message}; a prediction needs all points`, { cause: error });
  });
  const truth = await truthOf(
    withTruth,
    outputs.map(({ name }) => name),
    isDouble,
  );
  const reader = new CaseReader();
  const read: CaseDomain[] = [];
  for (const name of domains) {
    const whole = await files.domains.get(name)!.whole(reader, where);
    const positions = values.get(`${name}_position`)!;
    const own = outputs.flatMap((output) => {
      const field = output.domain === name ? truth.get(output.name) : undefined;
      return field === undefined ? [] : [[output.name, field] as const];
    });
    const { unit } = files.domains.get(name)!.properties.get("position")!;
    const { mesh = null, location = "points" } = whole ?? {};
    read.push({ name, mesh, location, metres: unit === null ? 1 : toSI(unit).factor, positions, truth: new Map(own) });
  }
  return {
    name: caseName(path),
    inputs: { ...Object.fromEntries(values), ...given },
    domains: read,
  };
}

/** The name of a case: that of its folder, or of its file without the ending. */
export function caseName(path: string): string {
  return basename(path, extname(path)).replace(/^\.+$/, "") || basename(resolve(path));
}

/** @throws ValueError for a model that predicts at no points */
function requirePosition({ inputs }: DescribedRun, path: string): void {
  if (inputs.some(({ role }) => role === "position")) return;
  throw new ValueError(
    `${path}: expected a run that predicts at positions; this one takes ${inputs.map(({ name }) => name).join(", ")}, give them in code: run.predict({ ${inputs[0]?.name ?? "x"}: … })`,
  );
}

function requireConditions(path: string, missing: readonly string[]): void {
  if (missing.length > 0)
    throw new ValueError(
      `${path}: expected ${missing.join(", ")}, numbers of the whole case; give --set ${missing[0]}=NUMBER,… (in code conditions: { ${missing[0]}: […] })`,
    );
}

/** Stored values of sample keys, all of the same case. */
async function rawValues(files: FolderDataset, keys: readonly string[]): Promise<Map<string, PredictedField>> {
  files.computeStatistics = true;
  return scope(async () => {
    const sample = await files.getSelected(0, keys);
    return new Map(
      keys.map((key) => {
        const value = sample[key] as Tensor;
        return [key, { values: value.dataSync() as PredictedField["values"], shape: [...value.shape] }];
      }),
    );
  });
}

/** The fields of the files that a model predicts; those that are not there are left out. */
async function truthOf(
  config: FolderDatasetConfig,
  keys: readonly string[],
  isDouble: boolean,
): Promise<Map<string, PredictedField>> {
  const found = new Map<string, PredictedField>();
  let files: FolderDataset;
  try {
    files = new FolderDataset(config);
    files.isDouble = isDouble;
  } catch (error) {
    if (error instanceof ValueError || isNotFound(error)) return found; // files of the fields are not there
    throw error;
  }
  const known = keys.filter((key) => files.getterKeys().includes(key));
  const attempt = async (wanted: readonly string[]): Promise<boolean> => {
    try {
      for (const [key, values] of await rawValues(files, wanted)) found.set(key, values);
      return true;
    } catch (error) {
      if (error instanceof ValueError || error instanceof KeyError || isNotFound(error)) return false;
      throw error;
    }
  };
  // each file once, where it has all of them
  if (known.length > 0 && !(await attempt(known)) && known.length > 1) for (const key of known) await attempt([key]);
  return found;
}

function isNotFound(error: unknown): boolean {
  return error instanceof FileNotFoundError;
}
