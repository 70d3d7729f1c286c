// Modules that only re-export others load these when a name of theirs is first asked for: who wants `DataLoader` does not wait for
// the readers of twenty formats. Works on what esbuild writes, so that sources, types and the modules themselves stay as they are.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** How esbuild defines exports. */
const DEFINE = /^var __export = \(target, all\) => \{\n.*?\n\};$/ms;
/** The same, but a module is asked for once: that takes as long as a small operator does. What is not there yet (a circle) is asked for again. */
const DEFINE_ONCE = `var __export = (target, all) => {
  for (const name in all)
    __defProp(target, name, {
      get: () => {
        const value = all[name]();
        if (value !== void 0) __defProp(target, name, { value });
        return value;
      },
      enumerable: true,
      configurable: true
    });
};`;

const IMPORT = /^var (\w+) = (?:__toESM\()?require\("([^"]+)"\)\)?;$/;

/**
 * The text of a barrel with its modules loaded late; null: it is none.
 *
 * @param {string} text a CommonJS module as esbuild writes it
 * @returns {{ text: string, modules: string[] } | null} `modules` are those that now load late
 */
export function makeLazy(text) {
  const marker = text.indexOf("\nmodule.exports = __toCommonJS(");
  const annotation = text.indexOf("\n// Annotate the CommonJS export names");
  if (marker < 0 || annotation < 0) return null;
  const start = text.indexOf("\n", marker + 1) + 1;
  const body = text.slice(start, annotation).split("\n");
  const imports = new Map();
  for (const line of body) {
    const [, name, path] = IMPORT.exec(line) ?? [];
    if (name !== undefined) imports.set(name, { path, line });
    else if (!/^__reExport\(\w+, require\("[^"]+"\), module\.exports\);$/.test(line)) return null; // it does something of its own
  }
  if (imports.size === 0) return null;
  if (!DEFINE.test(text)) throw new Error("expected esbuild's definition of exports, got another one");
  // getters of exports: `Tensor: () => import_tensor.Tensor`, `nn: () => nn`
  const head = text
    .slice(0, start)
    .replace(DEFINE, DEFINE_ONCE)
    .replace(/^( {2}\w+: \(\) => )(\w+)(\.\w+)?(,?)$/gm, (all, before, name, member, after) => {
      const found = imports.get(name);
      return found === undefined ? all : `${before}require("${found.path}")${member ?? ""}${after}`;
    });
  const kept = body.filter((line) => !IMPORT.test(line));
  const modules = [...imports.values()].map(({ path }) => path);
  return { text: head + kept.join("\n") + text.slice(annotation), modules };
}

/**
 * Makes all barrels of a layer lazy.
 *
 * @param {string} folder of the layer in dist/
 * @returns {string[]} the modules that load late, relative to the folder
 */
export function makeBarrelsLazy(folder) {
  const late = [];
  for (const entry of readdirSync(folder, { recursive: true })) {
    if (!/(^|[\\/])index\.js$/.test(entry)) continue;
    const file = join(folder, entry);
    const lazy = makeLazy(readFileSync(file, "utf8"));
    if (lazy === null) continue;
    writeFileSync(file, lazy.text);
    late.push(...lazy.modules.map((module) => `./${posix.join(dirname(entry).replaceAll("\\", "/"), module)}`));
  }
  return late;
}
