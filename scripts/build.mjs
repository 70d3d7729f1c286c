// Builds dist/: CommonJS files (tsup), their declarations (tsc), and for each entry of the exports map an ESM wrapper.
// The wrappers re-export the CommonJS entry, so that a process that imports one entry and requires another holds one set of classes.
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { makeBarrelsLazy } from "./lazy-barrels.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(root, "package.json"));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Runs the command of a package that node_modules holds; throws when it fails. */
function run(packageName, command, ...args) {
  const folder = dirname(require.resolve(`${packageName}/package.json`));
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = typeof bin === "string" ? bin : bin[command];
  execFileSync(process.execPath, [join(folder, file), ...args], { cwd: root, stdio: "inherit" });
}

run("tsup", "tsup");
for (const layer of ["config", "io", "torch"]) makeBarrelsLazy(join(root, "dist", layer));
const late = makeBarrelsLazy(join(root, "dist", "data"));
// its modules register kinds: all of them are loaded when one is asked for that is not known
appendFileSync(
  join(root, "dist", "data", "index.js"),
  `require("../config/registry").registerLater(() => {\n${late.map((path) => `  require("${path}");\n`).join("")}});\n`,
);
try {
  run("typescript", "tsc", "-p", "tsconfig.build.json");
} catch {
  // The declarations are written in spite of type errors, so dist/ gets complete. Set-up tolerates them: `npm run typecheck` is the gate.
  if (!process.argv.includes("--tolerate-type-errors")) process.exitCode = 1;
}

for (const entry of Object.values(manifest.exports)) {
  if (typeof entry === "string") continue;
  const target = `./${basename(entry.require.default)}`;
  const wrapper = `// The ESM face of ${target}: same objects, same classes.\nexport * from "${target}";\n`;
  writeFileSync(join(root, entry.import.default), wrapper);
  writeFileSync(join(root, entry.import.types), wrapper);
}
for (const file of Object.values(manifest.bin)) {
  if (existsSync(join(root, file))) chmodSync(join(root, file), 0o755);
}

// pages, each with everything that its script imports: predictions with vtk.js, the dashboard with uPlot
for (const page of ["viewer", "dashboard"])
  await build({
    entryPoints: [join(root, "templates", page, `${page}.mjs`)],
    outfile: join(root, "dist", `${page}.js`),
    ...{ bundle: true, minify: true, format: "iife", loader: { ".css": "text" }, logLevel: "warning" },
  });
