import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ValueError } from "../config/python-errors";
import { packageRoot } from "../torch/loader";
import { packageVersion } from "./command";

/** What a new project is made with. */
export interface ProjectOptions {
  readonly name: string;
  /** The folder in which the project's folder is made; made itself where it is missing. */
  readonly parent: string;
  /** A file of `configs/tracker`. */
  readonly tracker: string;
  /** `accelerator` of the config; null: the best there is. */
  readonly accelerator: string | null;
  readonly wandbEntity: string | null;
}

/** npm leaves files of this name out of a package, so the template has it without its dot. */
const HIDDEN = "gitignore";

/**
 * Writes a project that trains: the files under `templates/project` with the options in them. It appears under its name
 * when it is complete.
 *
 * @returns its absolute path and its files, relative to it
 * @throws ValueError when something of its name is there already
 */
export function createProject(options: ProjectOptions): { path: string; files: string[] } {
  const parent = resolve(options.parent);
  const path = join(parent, options.name);
  if (isThere(path)) throw new ValueError(`expected a new name, but ${path} is there already`);
  const template = join(packageRoot(), "templates", "project");
  const names = readdirSync(template, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1))
    .sort();
  mkdirSync(parent, { recursive: true });
  const temporary = join(parent, `.${options.name}-${process.pid}`);
  mkdirSync(temporary);
  try {
    for (const name of names) {
      const file = join(temporary, name === HIDDEN ? ".gitignore" : name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, fillIn(name, readFileSync(join(template, name), "utf8"), options));
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  return { path, files: names.map((name) => (name === HIDDEN ? ".gitignore" : name)) };
}

/** Also for a link that leads nowhere. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function fillIn(
  name: string,
  text: string,
  { name: project, tracker, accelerator, wandbEntity }: ProjectOptions,
): string {
  const isYaml = name.endsWith(".yaml");
  const values: Readonly<Record<string, string>> = {
    // a string of JSON is one of YAML, whatever it holds; npm wants lower case
    project: isYaml ? JSON.stringify(project) : name === "package.json" ? project.toLowerCase() : project,
    tracker,
    wandb_entity: JSON.stringify(wandbEntity),
    noether_ts: ownVersion(),
  };
  const filled = text.replace(/__([a-z_]+?)__/g, (placeholder, key: string) => values[key] ?? placeholder);
  const line = name.endsWith("base_experiment.yaml") && accelerator !== null ? `\naccelerator: ${accelerator}\n` : "";
  return filled + line;
}

/** How a project names this noether-ts as a dependency: a clone and a packed file by their place, else by version. */
function ownVersion(): string {
  const root = packageRoot();
  if (existsSync(join(root, "lib"))) return `file:${root}`;
  const modules = dirname(root);
  const record = join(modules, ".package-lock.json");
  if (existsSync(record)) {
    const { packages } = JSON.parse(readFileSync(record, "utf8")) as {
      packages: Record<string, { resolved?: string }>;
    };
    const source = packages["node_modules/noether-ts"]?.resolved;
    // npm writes it relative to the folder that holds node_modules
    if (source?.startsWith("file:")) return `file:${resolve(dirname(modules), source.slice("file:".length))}`;
  }
  return `^${packageVersion()}`;
}
