import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { ConfigError, type SourceLocation } from "../errors";
import { withSuggestion } from "../nearest-names";
import type { Node } from "../yaml/nodes";
import { readYaml } from "../yaml/reader";

/** One config file as it was read. */
export interface LoadedConfig {
  /** Path below the search root, without `.yaml`: `model/ab_upt`. */
  readonly path: string;
  readonly node: Node;
  /** What `# @package X` says, made absolute. */
  readonly packageHeader?: string;
}

/**
 * What `# @package X` says. Only the lines `# @key value` at the very beginning are a header (blank lines may come between
 * them); of two packages the last one counts, as in Hydra.
 */
function readPackageHeader(text: string, file: string): string | undefined {
  let found: string | undefined;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === "") continue;
    if (!/^#\s*@/.test(trimmed)) break;
    const [key, value, ...rest] = trimmed.replace(/^#+/, "").trim().split(/ +/);
    if (value === undefined || rest.length > 0) {
      const message = `expected a header line such as "# @package _global_", received ${JSON.stringify(trimmed)}`;
      throw new ConfigError([{ path: "", message, location: { file, line: index + 1 } }]);
    }
    if (key === "@package") found = value;
  }
  if (found === undefined) return undefined;
  return found === "_global_" || found.startsWith("_global_.") ? found : `_global_.${found}`;
}

/** Config files below one or more roots: `group/option` is the file `group/option.yaml`. */
export class ConfigFiles {
  private readonly cache = new Map<string, LoadedConfig>();

  constructor(readonly roots: readonly string[]) {}

  private file(path: string): string | undefined {
    const name = /\.ya?ml$/.test(path) ? path : `${path}.yaml`;
    return this.roots.map((root) => join(root, name)).find((file) => existsSync(file) && statSync(file).isFile());
  }

  exists(path: string): boolean {
    return this.file(path) !== undefined;
  }

  /** Whether a directory of options has this name. */
  groupExists(group: string): boolean {
    return this.roots.some((root) => existsSync(join(root, group)) && statSync(join(root, group)).isDirectory());
  }

  /** Options of a group (`""`: of the root), sorted. */
  options(group: string): string[] {
    const names = this.roots.flatMap((root) => (existsSync(join(root, group)) ? readdirSync(join(root, group)) : []));
    const yaml = names.filter((name) => name.endsWith(".yaml")).map((name) => name.slice(0, -".yaml".length));
    return [...new Set(yaml)].sort();
  }

  /** Names of the groups at the top of the roots. */
  groups(): string[] {
    const entries = this.roots.flatMap((root) => (existsSync(root) ? readdirSync(root, { withFileTypes: true }) : []));
    return [...new Set(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name))].sort();
  }

  /**
   * @param askedAt - where the file is named, for the message
   * @throws ConfigError with the nearest options when the file is missing, or with the line when it cannot be read
   */
  load(path: string, askedAt?: SourceLocation): LoadedConfig {
    const known = this.cache.get(path);
    if (known) return known;
    const file = this.file(path);
    if (file === undefined) this.missing(path, askedAt);
    const text = readFileSync(file, "utf8");
    const name = displayPath(file);
    const loaded = { path, node: readYaml(text, name), packageHeader: readPackageHeader(text, name) };
    this.cache.set(path, loaded);
    return loaded;
  }

  private missing(path: string, askedAt: SourceLocation | undefined): never {
    const slash = path.lastIndexOf("/");
    const group = slash < 0 ? "" : path.slice(0, slash);
    const option = path.slice(slash + 1);
    const where = this.roots.map(displayPath).join(", ");
    const options = this.options(group);
    const missing = `expected the config file ${path}.yaml below ${where}, but there is none`;
    const message = this.exists(`${path}.yml`)
      ? `${missing}; there is ${option}.yml: name it ${option}.yaml`
      : options.length > 0
        ? withSuggestion(missing, option, options)
        : group !== "" && !this.groupExists(group)
          ? withSuggestion(`${missing}; there is no group "${group}"`, group, this.groups())
          : missing;
    throw new ConfigError(
      [
        {
          path: "",
          message,
          location: askedAt,
        },
      ],
      {
        code: "CONFIG_FILE_MISSING",
      },
    );
  }
}

/** A path as the user sees it: relative to the working directory when it lies below. */
export function displayPath(file: string): string {
  const short = relative(process.cwd(), file);
  return short === "" || short.startsWith("..") ? file : short;
}
