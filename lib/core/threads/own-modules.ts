import { createRequire } from "node:module";
import { join } from "node:path";
import { provideModules } from "../../config/factory/load-kind";

const root = join(__dirname, "..", "..");

/** In a worker thread: loads every layer, which registers the built-in kinds. */
export function loadEveryLayer(): void {
  createRequire(__filename)(join(root, "index"));
}

const LAYERS = ["config", "core", "data", "inference", "initializers", "io", "modeling", "torch", "training"];

/**
 * In a worker thread: `import … from "noether-ts/core"` in files of the user's means the modules of this thread. They are loaded when
 * one asks.
 */
export function provideModulesOfThread(): void {
  const load = createRequire(__filename);
  const modules: Record<string, unknown> = {};
  const provide = (name: string, file: string): void =>
    void Object.defineProperty(modules, name, { enumerable: true, get: (): unknown => load(file) });
  provide("noether-ts", join(root, "index"));
  for (const layer of LAYERS)
    provide(`noether-ts/${layer}`, layer === "core" ? join(root, "entries", "core") : join(root, layer));
  provideModules(modules);
}
