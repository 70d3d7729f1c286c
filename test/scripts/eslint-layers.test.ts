import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "..", "..");

/** Messages of the layer rule for a file at `path` (which need not exist) with this import. */
function lint(path: string, specifier: string): string[] {
  // in a process of its own: ESLint's config is an ES module
  const code = `
    import { Linter } from "eslint";
    import { layers } from "./scripts/eslint-layers.mjs";
    const config = { plugins: { noether: { rules: { layers } } }, rules: { "noether/layers": "error" } };
    const messages = new Linter().verify('import ${JSON.stringify(specifier)};', [config], { filename: ${JSON.stringify(join(root, path))} });
    console.log(JSON.stringify(messages.map(({ message }) => message)));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: root,
    encoding: "utf8",
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

test.each([
  ["lib/modeling/models/ab-upt.js", "../../torch"],
  ["lib/training/trainers/base.js", "../../core"],
  ["lib/core/schedules/cosine.js", "../../config/schema"],
  ["lib/data/readers/vtk.js", "../../io"],
  ["lib/cli/noether-data.js", "../io"],
])("%s may import %s", (path, specifier) => {
  expect(lint(path, specifier)).toEqual([]);
});

test.each([
  ["lib/torch/nn/module.js", "../../core"],
  ["lib/core/factory.js", "../modeling"],
  ["lib/modeling/models/ab-upt.js", "../../data"],
  ["lib/io/fetch.js", "../torch"],
  ["lib/io/fetch.js", "../config"],
  ["lib/config/registry.js", "../torch"],
  ["lib/torch/amp/autocast.js", "../../config"],
  ["lib/config/registry.js", "../core"],
])("%s may not import %s", (path, specifier) => {
  expect(lint(path, specifier)[0]).toContain("or a layer below it");
});
