/**
 * Generates docs/configs/*.md, the reference of configs: every class that a run's config can hold, with each key's type, default and
 * comment, from the schemas and the sources in which they are defined.
 *
 *     npx tsx scripts/generate-config-pages.ts            write the pages
 *     npx tsx scripts/generate-config-pages.ts --check    exit 1 when one is not up to date
 */
import { z } from "zod";
import "../lib";
import { findKind, registeredKinds } from "../lib/config/registry";
import { type AnyConfigClass, type Fields, isConfigClass, keysOf } from "../lib/config/schema/config-class";
import { choiceAmong } from "../lib/config/schema/choice";
import { type FieldType, zodType } from "../lib/config/schema/custom-type";
import {
  elementType,
  expectation,
  isMappingType,
  literalValues,
  oneOfTypes,
  tupleTypes,
} from "../lib/config/schema/fields";
import { describeField } from "../lib/config/schema/key-table";
import { unwrap } from "../lib/config/schema/unwrap";
import { ConfigSchema } from "../lib/training/runners/config-schema";
import { SlurmConfig } from "../lib/training/runners/slurm-config";
import { TrackerBaseConfig } from "../lib/core/trackers/base";
import { type ConfigSource, readConfigSources } from "./config-sources";
import { writeOrCheck } from "./write-or-check";

/** The pages, and which folders' classes stand on each; the first that fits. */
const PAGES: readonly { name: string; title: string; about: string; folders: readonly string[] }[] = [
  {
    name: "run",
    title: "A run and its trainer",
    about: "the root of a config, the trainer, initializers",
    folders: [
      "lib/training/runners",
      "lib/training/trainers",
      "lib/training/aerodynamics",
      "lib/initializers",
      "lib/core/initializers",
    ],
  },
  {
    name: "models",
    title: "Models",
    about: "architectures",
    folders: [
      "lib/modeling/models",
      "lib/modeling/aerodynamics",
      "lib/modeling/boilerplate",
      "lib/core/models",
      "lib/core/data-specs",
    ],
  },
  { name: "modules", title: "Blocks and layers", about: "what models are made of", folders: ["lib/modeling"] },
  {
    name: "data",
    title: "Data",
    about: "data sets, wrappers, normalizers, pipelines",
    folders: ["lib/data", "lib/core/interfaces"],
  },
  {
    name: "callbacks",
    title: "Callbacks and trackers",
    about: "[callbacks.md](../callbacks.md) has examples, [trackers.md](../trackers.md) too",
    folders: ["lib/core/callbacks", "lib/training/callbacks", "lib/core/trackers"],
  },
  {
    name: "optimizers",
    title: "Optimizers and schedules",
    about: "[optimizers.md](../optimizers.md) explains them",
    folders: ["lib/core/optimizer", "lib/core/schedules"],
  },
];

/** Defaults that depend on the machine. */
const COMPUTED: Readonly<Record<string, string>> = {
  "ConfigSchema.accelerator": "`gpu` where there is one, else `cpu`",
  "ConfigSchema.master_port": "`MASTER_PORT`, else a free one",
};

const definitions = readConfigSources();
/** Where a class is defined: of several with its name, the one with its keys. */
function definitionOf(type: AnyConfigClass): ConfigSource | undefined {
  const keys = ownKeys(type);
  const misses = ({ fields }: ConfigSource): number => keys.filter((key) => !fields.has(key)).length;
  return definitions.get(type.configName)?.toSorted((a, b) => misses(a) - misses(b))[0];
}
function ownKeys(type: AnyConfigClass): string[] {
  const inherited = (type.parent?.fields ?? {}) as Fields;
  return Object.entries(type.fields as Fields)
    .filter(([key, field]) => inherited[key] !== field)
    .map(([key]) => key);
}

const kindsOf = new Map<AnyConfigClass, string[]>();
for (const kind of registeredKinds()) {
  const schema = findKind(kind)?.schema;
  if (schema !== undefined && isConfigClass(schema)) kindsOf.set(schema, [...(kindsOf.get(schema) ?? []), kind]);
}

/** All classes that a config can hold, and those that they extend. */
const classes = new Set<AnyConfigClass>();
function collect(type: AnyConfigClass): void {
  if (classes.has(type)) return;
  classes.add(type);
  if (type.parent !== undefined) collect(type.parent);
  for (const field of Object.values(type.fields as Fields)) collectFrom(field);
}
function collectFrom(field: FieldType): void {
  const type = unwrap(field)!;
  if (isConfigClass(type)) collect(type);
  const element = elementType(type);
  const among = choiceAmong(type);
  const members = [...(oneOfTypes(type) ?? tupleTypes(type) ?? []), ...(element === undefined ? [] : [element])];
  for (const member of members) collectFrom(member);
  if (among !== undefined) for (const each of "members" in among ? among.members : [among.base]) collect(each);
}
for (const type of [ConfigSchema, SlurmConfig, TrackerBaseConfig]) collect(type);
for (const type of kindsOf.keys()) collect(type);

const pageOf = (type: AnyConfigClass): string => {
  // PyTorch's optimizers are made in a loop: they stand with what they extend
  const file = (definitionOf(type) ?? (type.parent === undefined ? undefined : definitionOf(type.parent)))?.file ?? "";
  const page = PAGES.find(({ folders }) => folders.some((folder) => file.startsWith(`${folder}/`)));
  if (page === undefined)
    throw new Error(`${type.configName} of ${file || "no file that was found"} has no page: add its folder to PAGES`);
  return page.name;
};
/** The name of a class, with its kind where several have the name. */
function titleOf(type: AnyConfigClass): string {
  const twins = [...classes].filter(({ configName }) => configName === type.configName);
  return twins.length === 1 ? type.configName : `${type.configName} (${shortKinds(type)[0] ?? pageOf(type)})`;
}
const anchor = (type: AnyConfigClass): string =>
  titleOf(type)
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
/** The shortest spelling of each kind of a class: longer ones end alike. */
function shortKinds(type: AnyConfigClass): string[] {
  const kinds = (kindsOf.get(type) ?? []).toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return kinds.filter(
    (kind, at) => kinds.findIndex((other) => other.split(".").at(-1) === kind.split(".").at(-1)) === at,
  );
}

/** A page as Markdown. */
function pageText({ name, title, about }: (typeof PAGES)[number]): string {
  const link = (type: AnyConfigClass): string => {
    const page = pageOf(type);
    return `[${titleOf(type)}](${page === name ? "" : `${page}.md`}#${anchor(type)})`;
  };
  const describe = (field: FieldType): string => {
    const type = unwrap(field)!;
    const values = literalValues(type);
    const leaf = expectation(type);
    const members = oneOfTypes(type);
    const entries = tupleTypes(type);
    const element = elementType(type);
    const among = choiceAmong(type);
    const text = isConfigClass(type)
      ? link(type)
      : values !== undefined
        ? values.map((value) => `\`${value}\``).join(", ")
        : leaf !== undefined
          ? leaf.replace(/^an? /, "").replaceAll(">=", "≥").replaceAll("<=", "≤").replaceAll("|", "\\|")
          : members !== undefined
            ? [...new Set(members.map(describe))].join(" or ")
            : entries !== undefined
              ? `list: ${entries.map(describe).join(", ")}`
              : element !== undefined
                ? `${isMappingType(type) ? "mapping" : "list"} of ${describe(element)}`
                : among !== undefined
                  ? "members" in among
                    ? among.members.map(link).join(" or ")
                    : `any kind of ${link(among.base)}`
                  : expectedBy(type, link);
    return takesNull(field) ? `${text}, or null` : text;
  };
  const section = (type: AnyConfigClass): string => {
    const parent = type.parent;
    const own = ownKeys(type).map((key): [string, FieldType] => [key, (type.fields as Fields)[key]!]);
    const children = [...classes].filter((each) => each.parent === type);
    const { aliases, extra } = keysOf(type);
    const short = shortKinds(type);
    const facts = [
      cell(definitionOf(type)?.comment ?? ""),
      short.length > 0 ? `Kind: ${short.map((kind) => `\`${kind}\``).join(", ")}.` : "",
      parent === undefined ? "" : `Takes the keys of ${link(parent)}, too.`,
      Object.entries(aliases)
        .filter(([alias]) => parent === undefined || keysOf(parent).aliases[alias] === undefined)
        .map(([alias, key]) => `\`${alias}\` is another name of \`${key}\`.`)
        .join(" "),
      extra === "allow" ? "Other keys are kept." : "",
      children.length > 0 && short.length === 0 ? `Extended by ${children.map(link).join(", ")}.` : "",
    ].filter((text) => text !== "");
    const rows = own.map(
      ([key, field]) =>
        `| \`${key}\` | ${describe(field)} | ${COMPUTED[`${type.configName}.${key}`] ?? defaultText(field)} | ${commentOfKey(type, key)} |`,
    );
    return [
      `## ${titleOf(type)}`,
      ...facts,
      ...(rows.length > 0 ? [["| key | value | default | |", "|---|---|---|---|", ...rows].join("\n")] : []),
    ].join("\n\n");
  };
  const here = [...classes]
    .filter((type) => pageOf(type) === name)
    .sort((a, b) => rank(a) - rank(b) || (a.configName < b.configName ? -1 : 1));
  return [
    `# Configs: ${title}`,
    `Written by \`npm run generate\` from the schemas: ${about}. [config.md](../config.md) says how a config is put together; \`noether-ts schema\` gives the same to an editor.`,
    ...here.map(section),
  ].join("\n\n");
}

/** What a type made of a function expects: what its message says of a value that nothing takes. */
function expectedBy(type: FieldType, link: (type: AnyConfigClass) => string): string {
  const { error } = zodType(type).safeParse(() => undefined);
  const expected = error?.issues
    .map(({ message }) => /expected (.*), received/.exec(message)?.[1])
    .find((text) => text !== undefined);
  const text = (expected ?? "any value").replace(/^an? /, "").replaceAll("|", "\\|");
  const known = [...classes].find(({ configName }) => text.endsWith(`(${configName})`));
  return known === undefined ? text : link(known);
}

/** The root first, then what has a kind, then what these consist of. */
const rank = (type: AnyConfigClass): number => (type === ConfigSchema ? 0 : kindsOf.has(type) ? 1 : 2);

/** The comment of a key, with its backticks. */
const commentOfKey = (type: AnyConfigClass, key: string): string =>
  cell(describeField(type, key, (each) => Object.fromEntries(definitionOf(each)?.fields ?? [])) ?? "");

/** Text in a cell of a table. */
const cell = (text: string): string => text.replaceAll("|", "\\|");

function takesNull(type: FieldType): boolean {
  if (type instanceof z.ZodNullable) return true;
  return type instanceof z.ZodDefault || type instanceof z.ZodOptional ? takesNull(type.unwrap()) : false;
}

/** A default as YAML has it; of a key that has to be given, `needed`. */
function defaultText(field: FieldType): string {
  if (field instanceof z.ZodOptional) return "none";
  if (!(field instanceof z.ZodDefault)) return zodType(field).safeParse(undefined).success ? "`null`" : "needed";
  const value: unknown = field.def.defaultValue;
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === "number" && !Number.isFinite(each) ? String(each) : each,
  ) as string | undefined;
  return text === undefined ? "none" : text.length > 60 ? "its own defaults" : `\`${text.replaceAll("|", "\\|")}\``;
}

for (const page of PAGES) writeOrCheck(`docs/configs/${page.name}.md`, `${pageText(page)}\n`);
