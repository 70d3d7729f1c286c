import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type * as jiti from "jiti";
import { KindError } from "../errors";
import { suggestNames, withSuggestion } from "../nearest-names";
import { isKnownConfigClass } from "../schema/config-classes";
import { findKind, register, type KindClass } from "../registry";

/**
 * Kinds that live in the user's files: `./callbacks/drag.ts#DragCallback`, `./drag.js#DragCallback`,
 * `package#DragCallback`. Paths are relative to the project, the directory in which the command runs. TypeScript needs
 * no build step, and the files share this process's noether-ts.
 */

/** `./file#Export`, `/file#Export`, `package#Export` or a path alone (its default export). */
export function isUserKind(kind: string): boolean {
  return kind.includes("#") || /^\.{0,2}\//.test(kind);
}

/** Names of the file that registers a project's classes under names of its own. */
const PROJECT_MODULES = ["noether.project.ts", "noether.project.js", "noether.project.mjs", "noether.project.cjs"];

let ownModules: Record<string, unknown> = {};

/**
 * Tells what `import … from "noether-ts/…"` means in user files: the instances of this process. The commands call it;
 * without it the import resolves as usual.
 */
export function provideModules(modules: Record<string, unknown>): void {
  ownModules = modules;
}

let loader: { jiti: jiti.Jiti; root: string; modules: unknown } | undefined;

function jitiFor(root: string): jiti.Jiti {
  const { createJiti } = createRequire(__filename)("jiti") as typeof jiti; // only here: it takes time to load
  if (loader?.root === root && loader.modules === ownModules) return loader.jiti;
  const made = createJiti(pathToFileURL(join(root, "noether.project.ts")).href, {
    virtualModules: ownModules, // as it is: its properties may be getters, which load a module when it is asked for
    nativeModules: ["noether-ts"],
    interopDefault: false,
  });
  loader = { jiti: made, root, modules: ownModules };
  return made;
}

/**
 * Loads one kind of the user and registers it.
 *
 * @param root - the project directory. Default: the working directory
 * @throws KindError when the file, its export or the package is missing, or the file cannot be run
 */
export async function loadKind(kind: string, root: string = process.cwd()): Promise<void> {
  if (findKind(kind)) return;
  const [specifier = "", name = "default"] = kind.split("#");
  const isFile = /^\.{0,2}\//.test(specifier);
  const module = await loadModule(kind, isFile ? resolve(root, specifier) : specifier, isFile, root);
  const target = module[name];
  if (target === undefined) {
    const names = Object.keys(module).filter((key) => key !== "__esModule");
    throw new KindError(
      kind,
      `expected ${specifier} to export "${name}"; ${suggestNames(name, names) || "it exports nothing"}`,
    );
  }
  if (isKnownConfigClass(target)) register(kind, { schema: target });
  else if (typeof target === "function") register(kind, { class: target as KindClass });
  else throw new KindError(kind, `expected "${name}" of ${specifier} to be a class, received a ${typeof target}`);
}

async function loadModule(kind: string, id: string, isFile: boolean, root: string): Promise<Record<string, unknown>> {
  if (isFile && !existsSync(id)) {
    const directory = dirname(id);
    const names = existsSync(directory) ? readdirSync(directory) : [];
    throw new KindError(
      kind,
      withSuggestion(`expected the file ${id} (kinds are relative to ${root}), but there is none`, basename(id), names),
    );
  }
  try {
    // what Node itself runs, with its own resolution, where nothing else is provided
    if (id.endsWith(".cjs") && Object.keys(ownModules).length === 0)
      return createRequire(__filename)(id) as Record<string, unknown>;
    return await jitiFor(root).import<Record<string, unknown>>(id);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KindError(kind, `cannot load ${isFile ? id : `the package "${id}"`} for kind "${kind}": ${reason}`, {
      cause: error,
    });
  }
}

/** Every user kind that a plain config names, in order of appearance. */
export function userKindsIn(tree: unknown): string[] {
  const found = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value === "string") {
      if ((key === "kind" || key.endsWith("_kind") || key === "loss_fn") && isUserKind(value)) found.add(value);
    } else if (Array.isArray(value)) for (const item of value) visit(item, "");
    else if (typeof value === "object" && value !== null)
      for (const [name, item] of Object.entries(value)) visit(item, name);
  };
  visit(tree, "");
  return [...found];
}

/**
 * Loads everything of the user's that a config needs, before it is validated: the project's `noether.project.ts` (which
 * calls `register`), then each kind that names a file or package.
 *
 * @param onProblem - gets the kinds that cannot be loaded; by default the first one is thrown
 */
export async function loadUserKinds(
  tree: unknown,
  root: string = process.cwd(),
  onProblem: (error: KindError) => void = (error) => {
    throw error;
  },
): Promise<void> {
  const attempt = async (load: () => Promise<unknown>): Promise<void> => {
    try {
      await load();
    } catch (error) {
      if (!(error instanceof KindError)) throw error;
      onProblem(error);
    }
  };
  const project = PROJECT_MODULES.map((name) => join(root, name)).find((file) => existsSync(file));
  if (project) await attempt(() => loadModule(project, project, true, root));
  for (const kind of userKindsIn(tree)) await attempt(() => loadKind(kind, root));
}
