import { z } from "zod";
import { withSuggestion } from "../../../config/nearest-names";
import {
  customType,
  defineConfig,
  delegate,
  float,
  int,
  isMapping,
  list,
  literal,
  mapping,
  oneOf,
  optional,
  refuse,
  report,
  str,
} from "../../../config/schema";
import { DatasetBaseConfig } from "../../base/dataset-config";
import { isUnit, unitProblem } from "./units";

/** What can be computed of a mesh, by the name in configs. */
export const COMPUTED = ["normals", "area", "cell_volume", "distance", "signed_distance"] as const;
/** One of {@link COMPUTED}. */
export type Computed = (typeof COMPUTED)[number];

const names = oneOf(str(), list(str()));

/** A unit that is known. */
const unit = customType<string>((input, context) => {
  if (typeof input !== "string") return refuse(context, input, "a unit such as mm or m/s");
  if (isUnit(input)) return input;
  report(context, input, unitProblem(input));
  return z.NEVER;
});

/** A unit, or a list of them. */
const units = customType<string | string[], unknown>((input, context) =>
  Array.isArray(input) ? delegate(list(unit), input, context) : delegate(unit, input, context),
);

/** One property of a domain: a field of a file, or something computed. A string is short for `{ field: … }`. */
export const PropertyConfig = defineConfig("PropertyConfig", {
  extra: "forbid",
  fields: {
    /** Name of the field, or of several whose channels are put side by side; `points` and `cell_centers` are coordinates. */
    field: optional(names),
    /** What to compute instead. */
    computed: optional(literal(...COMPUTED)),
    /** Of distances: the domain, or the file of the case, whose surface is meant. */
    to: optional(str()),
    /** File of the case that has the field. Default: the file of the domain. */
    file: optional(str()),
    /** Channels to keep, by number or as `x`, `y`, `z`. Default: all. */
    components: optional(list(oneOf(int({ ge: 0 }), literal("x", "y", "z")))),
    /** Unit of the values in the file; they are converted to SI. */
    unit: optional(unit),
    /** Factor on top of the conversion. */
    scale: float().default(1),
  },
  check: ({ field, computed, to }, complain) => {
    if (field !== null && computed !== null) complain("expected one of field and computed, received both", "computed");
    if (Array.isArray(field) && field.length === 0) complain("expected the name of a field, received none", "field");
    const needsSurface = computed === "distance" || computed === "signed_distance";
    if (needsSurface && to === null)
      complain(`"${computed}" needs a surface: to: <domain or file of the case>`, "computed");
    if (!needsSurface && to !== null) complain("only distances have it", "to");
  },
});
export type PropertyConfig = z.output<typeof PropertyConfig>;

/** `latest`, `first`, or a number. */
const time = customType<number | "first" | "latest">((input, context) => {
  const number = float().safeParse(input);
  if (number.success) return number.data;
  if (input === "latest" || input === "first") return input;
  return refuse(context, input, '"latest", "first" or a number');
});

/** A point cloud of the samples. Every key besides these fields is a property: `pressure: p`. */
export const DomainConfig = defineConfig("DomainConfig", {
  extra: "allow",
  fields: {
    /** File of the case, or several that are joined; `.` is an OpenFOAM case. May be left out where cases are files. */
    file: optional(names),
    /** Patches of an OpenFOAM case that make up the domain; `*` stands for any text. Default: its cells. */
    patches: optional(names),
    /** Blocks of a collection (`.vtm`), as `patches`; `outer/inner` names one inside another. */
    blocks: optional(names),
    /** Time of a transient case. */
    time: time.default("latest"),
    /** At most so many random points of a sample, the same for all properties. */
    max_points: optional(int({ ge: 1 })),
    /** The same points every time; null: others in each epoch. */
    seed: optional(int({ ge: 0 })),
    /** Units in the files, by property. Values are converted to SI. */
    units: mapping(unit).default({}),
  },
  check: (config, complain) => {
    if (config.patches !== null && config.blocks !== null) complain("expected one of patches and blocks", "blocks");
    const written = propertyEntries(config);
    const options = Object.keys(DomainConfig.fields);
    for (const [name, value] of written) {
      if (typeof value !== "string" && !isMapping(value))
        complain(withSuggestion("expected the name of a field, or a mapping", name, options), name);
      else if (!/^[A-Za-z]\w*$/.test(name)) complain("expected a name of letters, digits and _", name);
      else for (const { path, message } of problemsOf(name, value)) complain(message, name, ...path);
    }
    const known = written.map(([name]) => name);
    if (!known.includes("position")) complain("missing value: expected the position of the points: position: points");
    for (const name of Object.keys(config.units)) {
      if (!known.includes(name))
        complain(withSuggestion("expected a property of the domain", name, known), "units", name);
      else if (isMapping(config[name as never]) && (config[name as never] as { unit?: unknown }).unit != null)
        complain(`the unit is given in "${name}", too: give only one`, "units", name);
    }
  },
});
export type DomainConfig = z.output<typeof DomainConfig>;

function propertyEntries(config: object): [string, unknown][] {
  return Object.entries(config).filter(([key]) => !(key in DomainConfig.fields));
}

/** A property as a mapping; `computed` is what its name says. */
function expand(name: string, value: unknown): unknown {
  if (value === "computed") return { computed: COMPUTED.find((kind) => kind === name) ?? name };
  return typeof value === "string" ? { field: value } : value;
}

function problemsOf(name: string, value: unknown): { path: PropertyKey[]; message: string }[] {
  const issues = PropertyConfig.safeParse(expand(name, value)).error?.issues ?? [];
  // of a string there is no key to point at
  return issues.map(({ path, message }) => ({ path: isMapping(value) ? path : [], message }));
}

/** The properties of a validated domain. */
export function propertiesOf(domain: DomainConfig): Map<string, PropertyConfig> {
  return new Map(
    propertyEntries(domain).map(([name, value]) => {
      const property = PropertyConfig.parse(expand(name, value));
      return [name, { ...property, unit: property.unit ?? domain.units[name] ?? null }];
    }),
  );
}

/** Numbers of a case that belong to no point: the condition of a model, or a target such as drag. */
export const ConditionConfig = defineConfig("ConditionConfig", {
  extra: "forbid",
  fields: {
    /** Table with a row for each case (`.csv`, `.tsv`, `.parquet`; `.json` and `.yaml` with a mapping of case names), relative to `root`. */
    table: optional(str()),
    /** Column with the names of the cases. Default: the first column of texts. */
    case_column: optional(str()),
    /** File in each case instead: `.json`, `.yaml`, arrays, or field data of a mesh. */
    file: optional(str()),
    /** What to read, in the order of the channels: columns, keys (`inflow.speed`) or arrays. Default: all numbers. */
    field: optional(names),
    /** Unit of all, or one for each field; values are converted to SI. */
    unit: optional(units),
    /** What the values are multiplied by, for another unit. */
    scale: float().default(1),
  },
  check: ({ table, file, field, unit, case_column }, complain) => {
    if ((table === null) === (file === null)) complain("expected either table or file");
    if (case_column !== null && table === null) complain("only a table has it", "case_column");
    const count = Array.isArray(field) ? field.length : 1;
    if (Array.isArray(unit) && (field === null || unit.length !== count))
      complain(`expected a unit for each of the names in field, received ${unit.length}`, "unit");
  },
});
export type ConditionConfig = z.output<typeof ConditionConfig>;

const CasesMapping = defineConfig("CasesConfig", {
  extra: "forbid",
  fields: {
    /** Folders (`data/*` with a slash at the end) or files (`data/*.vtu`), relative to `root`. */
    pattern: names,
    /** Names of cases that are left out; `*` stands for any text. */
    exclude: list(str()).default([]),
  },
});
/** `data/*` with a slash at its end, a list of such patterns, or `{ pattern, exclude }`. */
const CasesConfig = customType<z.output<typeof CasesMapping>, unknown>((input, context) =>
  delegate(CasesMapping, typeof input === "string" || Array.isArray(input) ? { pattern: input } : input, context),
);
export type CasesConfig = z.output<typeof CasesConfig>;

/** A share of the cases, their names, or a file with them. */
export type SplitConfig = number | string[] | string;

/** The splits by name, besides `seed`; or a file with such a mapping. */
const SplitsConfig = customType<Record<string, SplitConfig | null> | string, unknown>((input, context) => {
  if (typeof input === "string") return input;
  if (!isMapping(input)) return refuse(context, input, "a mapping of splits, or a file with one");
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      const path = [name];
      if (name === "seed") return [name, delegate(optional(int({ ge: 0 })), value, context, path)];
      if (typeof value === "string") return [name, value];
      if (Array.isArray(value)) return [name, delegate(list(str()), value, context, path)];
      const share = float({ gt: 0, le: 1 }).safeParse(value);
      if (share.success) return [name, share.data];
      report(
        context,
        value,
        "expected a share above 0 and at most 1, a list of cases, or a file with their names",
        path,
      );
      return [name, z.NEVER];
    }),
  ) as Record<string, SplitConfig | null>;
});
export type SplitsConfig = z.output<typeof SplitsConfig>;

/** How values become numbers of the order of 1 (positions: of `position_scale`). */
export const STRATEGIES = ["mean_std", "log_mean_std", "position", "none"] as const;
/** One of {@link STRATEGIES}. */
export type Strategy = (typeof STRATEGIES)[number];

/** `auto`, or a strategy by sample key. */
const NormalizeConfig = customType<"auto" | Record<string, Strategy>, unknown>((input, context) => {
  if (input === "auto") return input;
  if (isMapping(input)) return delegate(mapping(literal(...STRATEGIES)), input, context);
  return refuse(context, input, '"auto" or a mapping of sample keys');
});

/** Config of `FolderDataset`. */
export const FolderDatasetConfig = DatasetBaseConfig.extend("FolderDatasetConfig", {
  fields: {
    /** Where paths begin. Default: the working directory. */
    root: optional(str()),
    /** Which folders or files below the root are cases. */
    cases: CasesConfig,
    /** Which of the `splits` this data set is; null: all cases. */
    split: optional(str()),
    /** Which cases belong to which split; null: every case to every split. */
    splits: optional(SplitsConfig),
    /** Point clouds by name; a mapping with `file` or `position` beside these keys is one, too. */
    domains: mapping(DomainConfig).default({}),
    /** Numbers of the whole case by sample key. */
    conditions: mapping(ConditionConfig).default({}),
    /** How properties are normalised; the numbers come from the training set before the run begins. Null: not at all, but for `dataset_normalizers`. */
    normalize: optional(NormalizeConfig),
    /** Edge of the cube that holds the positions of all training cases after the strategy `position`. */
    position_scale: float({ gt: 0 }).default(1000),
  },
  // not `prepare`: what is moved was given, so that it is stored with the run
  migrate: liftDomains,
  check: ({ domains, conditions, split, splits, normalize }, complain) => {
    if (Object.keys(domains).length === 0)
      complain(
        "expected at least one domain, received none: surface: { file: surface.vtp, position: points }",
        "domains",
      );
    if (split !== null && splits === null)
      complain("expected splits beside it, such as splits: { train: 0.8, val: 0.1, test: 0.1 }", "split");
    if (split === null && splits !== null)
      complain("expected split beside it, the one that this data set is", "splits");
    if (splits !== null && split !== null && typeof splits !== "string") {
      const known = Object.keys(splits).filter((name) => name !== "seed");
      if (!known.includes(split)) complain(withSuggestion(`unknown split "${split}"`, split, known), "split");
    }
    const owner = new Map<string, string>();
    const keys = Object.entries(domains).flatMap(([domain, config]) => {
      if (!/^[A-Za-z]\w*$/.test(domain)) complain("expected a name of letters, digits and _", "domains", domain);
      return [...propertiesOf(config).keys()].map((name) => ({
        key: `${domain}_${name}`,
        path: ["domains", domain, name],
      }));
    });
    for (const { key, path } of [
      ...keys,
      ...Object.keys(conditions).map((key) => ({ key, path: ["conditions", key] })),
    ]) {
      const other = key === "index" ? "the number of the sample" : owner.get(key);
      if (other !== undefined) complain(`"${key}" is ${other}, too: rename one`, ...path);
      owner.set(key, path.join("."));
    }
    for (const [domain, config] of Object.entries(domains)) {
      for (const [name, { to }] of propertiesOf(config)) {
        if (to !== null && !(to in domains) && !/\.\w+$/.test(to))
          complain(
            withSuggestion(`expected a domain or a file of the case, received "${to}"`, to, Object.keys(domains)),
            "domains",
            domain,
            name,
            "to",
          );
      }
    }
    if (isMapping(normalize)) {
      for (const key of Object.keys(normalize))
        if (!owner.has(key)) complain(withSuggestion("expected a sample key", key, owner.keys()), "normalize", key);
    }
  },
});
export type FolderDatasetConfig = z.output<typeof FolderDatasetConfig>;

/** Domains that are written beside the other keys. */
function liftDomains(raw: Record<string, unknown>): Record<string, unknown> {
  const isDomain = ([key, value]: [string, unknown]): boolean =>
    !(key in FolderDatasetConfig.fields) && isMapping(value) && ("file" in value || "position" in value);
  const entries = Object.entries(raw);
  const beside = Object.fromEntries(entries.filter(isDomain));
  const { domains = {}, ...rest } = Object.fromEntries(entries.filter((entry) => !isDomain(entry)));
  return isMapping(domains) ? { ...rest, domains: { ...domains, ...beside } } : { ...rest, ...beside, domains };
}
