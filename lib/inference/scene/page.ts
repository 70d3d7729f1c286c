import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Esbuild from "esbuild";
import { FileNotFoundError } from "../../config/python-errors";
import { packageRoot } from "../../torch/loader";
import type { Scene } from "./scene";

/**
 * The page that shows predictions, as one file that needs no network.
 *
 * @param scenes what it shows; null: it asks the server that it comes from
 * @throws FileNotFoundError when the package is not built
 */
export function viewerPage(scenes: readonly Scene[] | null): string {
  const data = JSON.stringify(scenes).replaceAll("<", "\\u003c");
  return readFileSync(join(packageRoot(), "templates", "viewer", "index.html"), "utf8")
    .replace("__SCENES__", () => data)
    .replace("__SCRIPT__", () => viewerScript().replaceAll("</script", "<\\/script"));
}

let script: string | null = null;

/** The page's script; in a checkout that is not built it is made now. */
function viewerScript(): string {
  if (script !== null) return script;
  const built = join(packageRoot(), "dist", "viewer.js");
  const source = join(packageRoot(), "templates", "viewer", "viewer.mjs");
  if (existsSync(built) || !existsSync(join(packageRoot(), "node_modules", "esbuild"))) return (script = read(built));
  const { buildSync } = createRequire(__filename)("esbuild") as typeof Esbuild;
  const result = buildSync({ entryPoints: [source], bundle: true, minify: true, format: "iife", write: false });
  return (script = result.outputFiles[0]!.text);
}

function read(path: string): string {
  if (!existsSync(path)) throw new FileNotFoundError(`expected ${path}: build the package first (npm run build)`);
  return readFileSync(path, "utf8");
}
