import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Esbuild from "esbuild";
import { FileNotFoundError } from "../config/python-errors";
import { packageRoot } from "../torch/loader";

const scripts = new Map<string, string>();

/**
 * The script of a page, with everything that it imports: `templates/<name>/<name>.mjs` as the build made it; in a checkout that is not
 * built it is made now.
 *
 * @throws FileNotFoundError when the package is not built
 */
export function pageScript(name: string): string {
  const known = scripts.get(name);
  if (known !== undefined) return known;
  const script = isCheckout(name) ? bundle(name) : read(join(packageRoot(), "dist", `${name}.js`));
  scripts.set(name, script);
  return script;
}

/** `templates/<name>/index.html`. */
export function pageTemplate(name: string): string {
  return read(join(packageRoot(), "templates", name, "index.html"));
}

function isCheckout(name: string): boolean {
  const isBuilt = existsSync(join(packageRoot(), "dist", `${name}.js`));
  return !isBuilt && existsSync(join(packageRoot(), "node_modules", "esbuild"));
}

function bundle(name: string): string {
  const source = join(packageRoot(), "templates", name, `${name}.mjs`);
  const { buildSync } = createRequire(__filename)("esbuild") as typeof Esbuild;
  const result = buildSync({
    ...{ entryPoints: [source], bundle: true, minify: true, format: "iife", write: false },
    loader: { ".css": "text" },
  });
  return result.outputFiles[0]!.text;
}

function read(path: string): string {
  if (!existsSync(path)) throw new FileNotFoundError(`expected ${path}: build the package first (npm run build)`);
  return readFileSync(path, "utf8");
}
