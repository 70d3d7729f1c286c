import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: Record<string, unknown> };
const entries = Object.entries(manifest.exports).flatMap(([name, target]) => (typeof target === "string" ? [] : [name]));

/** Runs a module in a fresh process, in which `noether-ts` names this package by its own exports map. */
function run(code: string): string {
  return execFileSync(process.execPath, ["--input-type=module", "-e", code], { cwd: root, encoding: "utf8" }).trim();
}

test.each(entries)("%s: import and require give the same names and the same objects", (entry) => {
  const name = `noether-ts${entry.slice(1)}`;
  const code = `
    import { createRequire } from "node:module";
    const required = createRequire(${JSON.stringify(join(root, "package.json"))})(${JSON.stringify(name)});
    const imported = await import(${JSON.stringify(name)});
    const names = Object.keys(required).filter((key) => key !== "default" && key !== "__esModule");
    const different = names.filter((key) => imported[key] !== required[key]);
    console.log(JSON.stringify({ count: names.length, different }));`;
  expect(JSON.parse(run(code)).different).toEqual([]);
});
