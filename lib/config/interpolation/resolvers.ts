import { ConfigError } from "../errors";
import { Float, fromPlain, isMissing, listNode, mapNode, scalarNode, type Node } from "../yaml/nodes";
import { readYaml } from "../yaml/reader";

/** What a resolver may use besides its arguments. */
export interface ResolverContext {
  /** The resolved node at a key (relative keys as in `${.x}`); undefined when it is not there or missing. */
  readonly select: (key: string) => Node | undefined;
  /** Overrides of this run and where its config came from. */
  readonly job: JobInfo;
}

/** Facts about the run that `${hydra:…}` and `${now:…}` show. */
export interface JobInfo {
  readonly name: string;
  readonly overrides: readonly string[];
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

/** The resolver behind `${name:…}`. */
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
  if (fallback.type !== "scalar" || fallback.value === null || typeof fallback.value === "string") return fallback;
  return scalarNode(String(fallback.value instanceof Float ? fallback.value.value : fallback.value));
});

registerResolver(
  "oc.select",
  (args, { select }) => select(text(args[0], "a key for oc.select")) ?? args[1] ?? scalarNode(null),
);

registerResolver("oc.decode", (args) => {
  const node = args[0];
  if (node?.type === "scalar" && node.value === null) return node;
  // the text is a value of YAML flow style: [1, 2.0, x], 1e-3, null
  const wrapped = readYaml(`value: ${text(node, "a text for oc.decode")}`, "oc.decode");
  return wrapped.type === "map" ? wrapped.entries.get("value")! : wrapped;
});

registerResolver("oc.create", (args) => args[0] ?? scalarNode(null));

registerResolver("oc.deprecated", (args, { select }) => {
  const key = text(args[0], "the new key for oc.deprecated");
  const node = select(key);
  if (!node) throw new ConfigError(`expected the key ${JSON.stringify(key)} that oc.deprecated names`);
  process.emitWarning(args[1] ? text(args[1], "a message") : `this config key is deprecated, use ${key}`);
  return node;
});

registerResolver("oc.dict.keys", (args, context) => {
  const node = dictionary(args, context, "oc.dict.keys");
  return listNode([...node.entries.keys()].map((key) => scalarNode(key)));
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
  if (mapping?.type !== "map" || typeof value !== "number")
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
  const node = key
    .split(".")
    .reduce<Node | undefined>((at, part) => (at?.type === "map" ? at.entries.get(part) : undefined), tree);
  if (!node || isMissing(node))
    throw new ConfigError(
      `unknown key ${JSON.stringify(key)} of hydra: known are runtime.cwd, job.name, overrides.task`,
    );
  return node;
});
