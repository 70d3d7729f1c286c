import { ConfigError } from "../errors";
import { Float, fromPlain, isMissing, isNull, listNode, mapNode, scalarNode, type Node } from "../yaml/nodes";
import { pythonText } from "./python-text";
import { readYaml } from "../yaml/reader";

/** What a resolver may use besides its arguments. */
export interface ResolverContext {
  /** The resolved node at a key (relative keys as in `${.x}`); undefined when it is not there or missing. */
  readonly select: (key: string) => Node | undefined;
  /** Keys of the mapping at a key, whose values may refer to anything; undefined when there is none. */
  readonly keysAt: (key: string) => readonly string[] | undefined;
  /** The value of a text as OmegaConf's language of values has it: `[1, 2.0, x]`, `1e-3`, `null`. */
  readonly decode: (text: string) => Node;
  /** Overrides of this run and where its config came from. */
  readonly job: JobInfo;
}

/** Facts about the run that `${hydra:…}` and `${now:…}` show. */
export interface JobInfo {
  readonly name: string;
  readonly overrides: readonly string[];
  /** Options of the groups: `model` → `ab_upt`. */
  readonly choices: ReadonlyMap<string, string | readonly string[] | null>;
  /** The moment that `${now:…}` means: the same in one run. */
  readonly started: Date;
}

/** Computes the value of `${name:arg,…}`. */
export type Resolver = (args: readonly Node[], context: ResolverContext) => Node;

const resolvers = new Map<string, Resolver>();

/** Adds a resolver for interpolations. */
export function registerResolver(name: string, resolver: Resolver): void {
  resolvers.set(name, resolver);
}

/** The most arguments of OmegaConf's own resolvers. */
const MAX_ARGUMENTS: Readonly<Record<string, number>> = {
  "oc.env": 2,
  "oc.select": 2,
  "oc.decode": 1,
  "oc.create": 1,
  "oc.deprecated": 2,
  "oc.dict.keys": 1,
  "oc.dict.values": 1,
};

/** @throws ConfigError for more arguments than a resolver takes */
export function checkArguments(name: string, count: number): void {
  const most = Object.hasOwn(MAX_ARGUMENTS, name) ? MAX_ARGUMENTS[name]! : Infinity;
  if (count > most) throw new ConfigError(`expected at most ${most} arguments for ${name}, received ${count}`);
}

/** The resolver of `${name:…}`. */
export function findResolver(name: string): Resolver | undefined {
  return resolvers.get(name);
}

/** Names of all resolvers, for messages. */
export function resolverNames(): string[] {
  return [...resolvers.keys()];
}

function text(node: Node | undefined, what: string): string {
  if (node?.type === "scalar" && !(node.value instanceof Float) && node.value !== null) return String(node.value);
  throw new ConfigError(`expected ${what}`);
}

registerResolver("oc.env", (args) => {
  const name = text(args[0], "the name of an environment variable for oc.env");
  const value = process.env[name];
  if (value !== undefined) return scalarNode(value);
  const fallback = args[1];
  if (!fallback)
    throw new ConfigError(
      `expected the environment variable ${name} to be set; give a default with \${oc.env:${name},value}`,
    );
  return isNull(fallback) ? fallback : scalarNode(pythonText(fallback));
});

registerResolver(
  "oc.select",
  (args, { select }) => select(text(args[0], "a key for oc.select")) ?? args[1] ?? scalarNode(null),
);

registerResolver("oc.decode", (args, { decode }) => {
  const [node] = args;
  if (node?.type !== "scalar" || (node.value !== null && typeof node.value !== "string"))
    throw new ConfigError("expected a text or null for oc.decode");
  return node.value === null ? node : decode(node.value);
});

registerResolver("oc.create", (args) => {
  const [node = scalarNode(null)] = args;
  if (node.type !== "scalar" || node.value === null) return node;
  if (typeof node.value !== "string") throw new ConfigError("expected a list, a mapping or a text for oc.create");
  return readYaml(node.value, "oc.create");
});

registerResolver("oc.deprecated", (args, { select }) => {
  const key = text(args[0], "the new key for oc.deprecated");
  const node = select(key);
  if (!node) throw new ConfigError(`expected the key ${JSON.stringify(key)} that oc.deprecated names`);
  process.emitWarning(args[1] ? text(args[1], "a message") : `this config key is deprecated, use ${key}`);
  return node;
});

registerResolver("oc.dict.keys", (args, { keysAt }) => {
  const key = text(args[0], "a key for oc.dict.keys");
  const keys = keysAt(key);
  if (keys === undefined)
    throw new ConfigError(`expected the key of a mapping for oc.dict.keys, received ${JSON.stringify(key)}`);
  return listNode(keys.map((name) => scalarNode(name)));
});

registerResolver("oc.dict.values", (args, context) => {
  const node = dictionary(args, context, "oc.dict.values");
  return listNode([...node.entries.values()]);
});

function dictionary(args: readonly Node[], { select }: ResolverContext, name: string) {
  const key = text(args[0], `a key for ${name}`);
  const node = select(key);
  if (node?.type !== "map")
    throw new ConfigError(`expected the key of a mapping for ${name}, received ${JSON.stringify(key)}`);
  return node;
}

registerResolver("seed", (args) => {
  const [mapping, seed] = args;
  const value = seed?.type === "scalar" ? seed.value : undefined;
  if (mapping?.type !== "map" || (typeof value !== "number" && typeof value !== "bigint"))
    throw new ConfigError("expected ${seed:<mapping>,<integer>}");
  if (mapping.entries.has("seed")) throw new ConfigError('expected a mapping without the key "seed" for ${seed:…}');
  return mapNode([...mapping.entries, ["seed", scalarNode(value)]]);
});

const pad = (value: number, width = 2) => String(value).padStart(width, "0");

/** strftime codes that run directories and names are made of. */
const TIME_CODES: Record<string, (date: Date) => string> = {
  Y: (date) => pad(date.getFullYear(), 4),
  y: (date) => pad(date.getFullYear() % 100),
  m: (date) => pad(date.getMonth() + 1),
  d: (date) => pad(date.getDate()),
  H: (date) => pad(date.getHours()),
  M: (date) => pad(date.getMinutes()),
  S: (date) => pad(date.getSeconds()),
  f: (date) => pad(date.getMilliseconds() * 1000, 6),
  j: (date) =>
    pad(
      Math.floor(
        (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 0)) / 864e5,
      ),
      3,
    ),
  "%": () => "%",
};

registerResolver("now", (args, { job }) => {
  const format = text(args[0], "a format such as %Y-%m-%d for now");
  return scalarNode(
    format.replace(/%(.)/g, (_, code: string) => {
      const write = TIME_CODES[code];
      if (!write) throw new ConfigError(`expected a format of %Y %y %m %d %H %M %S %f %j for now, received %${code}`);
      return write(job.started);
    }),
  );
});

registerResolver("python_version", () => {
  throw new ConfigError("expected a value that exists here: there is no Python, so no ${python_version:}");
});

registerResolver("hydra", (args, { job }) => {
  const key = text(args[0], "a key for hydra");
  const tree = fromPlain({
    runtime: { cwd: process.cwd(), output_dir: process.cwd() },
    job: { name: job.name, config_name: job.name, override_dirname: job.overrides.join(",") },
    overrides: { task: [...job.overrides] },
  });
  const choices = mapNode([...job.choices].map(([group, option]) => [group, fromPlain(option)] as const));
  const runtime = tree.type === "map" ? tree.entries.get("runtime") : undefined;
  if (runtime?.type === "map") runtime.entries.set("choices", choices);
  const node = key
    .split(".")
    .reduce<Node | undefined>((at, part) => (at?.type === "map" ? at.entries.get(part) : undefined), tree);
  if (!node || isMissing(node))
    throw new ConfigError(
      `unknown key ${JSON.stringify(key)} of hydra: known are runtime.cwd, runtime.choices.<group>, job.name, overrides.task`,
    );
  return node;
});
