import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transformSync } from "esbuild";

const script = pathToFileURL(join(__dirname, "..", "..", "scripts", "lazy-barrels.mjs")).href;

/** A layer of some files, built as dist/ is. */
const FILES: Record<string, string> = {
  "index.ts": `
    export { Used, used as alias } from "./used";
    export { Unused, type Shape } from "./unused";
    export * from "./inner";
    export * as group from "./group";`,
  "used.ts": "loaded.push('used'); export class Used {} export const used = 1;",
  "unused.ts": "loaded.push('unused'); export class Unused {} export type Shape = 1;",
  "inner/index.ts": 'export { inside } from "./inside";',
  "inner/inside.ts": "loaded.push('inside'); export const inside = 2;",
  "group.ts": "loaded.push('group'); export const member = 3;",
  "busy/index.ts": 'import { used } from "../used"; export { Unused } from "../unused"; export const twice = used * 2;',
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "noether-barrels-"));
  for (const [name, text] of Object.entries(FILES)) {
    const file = join(folder, name.replace(/ts$/, "js"));
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, transformSync(text, { loader: "ts", format: "cjs", platform: "node" }).code);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(code: string): unknown {
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }));
}

test("modules of a barrel load when a name of theirs is asked for, and give the same as before", () => {
  const busy = readFileSync(join(folder, "busy", "index.js"), "utf8");
  const result = run(`
    import { createRequire } from "node:module";
    import { makeBarrelsLazy } from ${JSON.stringify(script)};
    globalThis.loaded = [];
    const late = makeBarrelsLazy(${JSON.stringify(folder)});
    const layer = createRequire(${JSON.stringify(join(folder, "x.js"))})("./index.js");
    const steps = [Object.keys(layer), [...loaded]];
    for (const get of [() => layer.alias, () => layer.inside, () => layer.group.member, () => layer.group === layer.group, () => typeof layer.Unused])
      steps.push([get(), [...loaded]]);
    const names = await import(${JSON.stringify(pathToFileURL(join(folder, "index.js")).href)});
    steps.push(Object.keys(names).filter((name) => name !== "default" && name !== "module.exports"));
    console.log(JSON.stringify({ late: late.sort(), steps }));`);
  const names = ["Unused", "Used", "alias", "group", "inside"];
  expect(result).toEqual({
    late: ["./group", "./inner/inside", "./unused", "./used"],
    steps: [
      expect.arrayContaining(names),
      [],
      [1, ["used"]],
      [2, ["used", "inside"]],
      [3, ["used", "inside", "group"]],
      [true, ["used", "inside", "group"]],
      ["function", ["used", "inside", "group", "unused"]],
      names,
    ],
  });
  expect(readFileSync(join(folder, "busy", "index.js"), "utf8")).toBe(busy); // does something of its own
});

test("a module is asked for once for each name", () => {
  const result = run(`
    import Module, { createRequire } from "node:module";
    import { makeBarrelsLazy } from ${JSON.stringify(script)};
    globalThis.loaded = [];
    makeBarrelsLazy(${JSON.stringify(folder)});
    const layer = createRequire(${JSON.stringify(join(folder, "x.js"))})("./index.js");
    const load = Module._load;
    let asked = 0;
    Module._load = (...args) => (asked++, load(...args));
    const counts = [() => layer.alias, () => layer.inside].flatMap((get) =>
      [get, get, get].map((each) => ((asked = 0), each(), asked)));
    console.log(JSON.stringify(counts));`);
  expect(result).toEqual([1, 0, 0, 1, 0, 0]);
});
