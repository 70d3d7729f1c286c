/**
 * `npm run demo`: trains AB-UPT on the RANS airfoils, compares it with two baselines on shapes that it has not seen, and
 * writes a report. Needs what scripts/setup.mjs makes.
 *
 *   node examples/airfoil/demo.mjs [CONFIG.yaml] [key=value ...]      (default: examples/airfoil/train.yaml)
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
const [config = "examples/airfoil/train.yaml", ...overrides] = process.argv.slice(2);

const day = new Date().toISOString().slice(0, 10);
const runId = `${day}_demo${Date.now().toString(36).slice(-5)}`;
const command = [join(root, "dist", "cli", "noether-train.js"), config, `+run_id=${runId}`, ...overrides];
const started = performance.now();
// The model is small: one thread computes it nearly as fast as two, and does not suffer when the other core is busy.
const env = { OMP_NUM_THREADS: "1", ...process.env };
const { status, error } = spawnSync(process.execPath, command, { cwd: root, stdio: "inherit", env });
if (error) throw error;
if (status !== 0) process.exit(status ?? 1);

const outputs =
  overrides.find((override) => override.startsWith("output_path="))?.slice("output_path=".length) ?? "outputs";
const run = findRun(resolve(root, outputs, runId));
const metrics = JSON.parse(readFileSync(join(run, "metrics.json"), "utf8"));

const { writeReport } = await createJiti(import.meta.url).import("./report.ts");
const report = writeReport(run);

const percent = (value) => `${(100 * value).toFixed(1)} %`.padStart(14);
console.log(
  `\nRelative L2 errors on ${metrics.cases.length} ${metrics.dataset} cases, shapes that the model has not seen:\n`,
);
console.log(`${"".padEnd(20)}${["AB-UPT", "mean field", "nearest case"].map((name) => name.padStart(14)).join("")}`);
for (const [field, errors] of Object.entries(metrics.relative_l2)) {
  console.log(
    `${field.padEnd(20)}${percent(errors.model)}${percent(errors.mean_field)}${percent(errors.nearest_case)}`,
  );
}
const { model, mean_field, nearest_case } = metrics.relative_l2.surface_pressure;
const isGood = model <= mean_field / 3 && model < nearest_case;
console.log(
  `\nSurface pressure: ${(mean_field / model).toFixed(1)} times better than the mean field, ${(nearest_case / model).toFixed(1)} times better than the nearest case` +
    `${isGood ? "" : " (expected: at least 3 times, and better than the nearest case)"}.`,
);
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s`);
console.log(`metrics: ${relative(process.cwd(), join(run, "metrics.json"))}`);
console.log(`report:  ${relative(process.cwd(), report)}   (open it in a browser)`);
const shapes = join(root, "examples", "airfoil", "shapes.mjs");
const paths = [run, shapes].map((path) => quoted(relative(process.cwd(), path)));
console.log(`look:    npx noether-ts serve ${paths[0]} --shapes ${paths[1]}`);
console.log("         then open http://127.0.0.1:8080 and move the sliders (npm install fastify, where it is missing)");
console.log(`
What to try next:
  your own cases       npx noether-ts data inspect FOLDER      docs/your-own-case.md
  three dimensions     npx noether-train examples/bluff-body/train.yaml
  a longer training    node examples/airfoil/demo.mjs examples/airfoil/train_full.yaml
  watch a run          npx noether-ts dashboard outputs`);
if (!isGood) process.exitCode = 1;

/** A path as a shell takes it. */
function quoted(path) {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The directory with metrics.json: the run itself, or the stage below it. */
function findRun(directory) {
  const names = readdirSync(directory);
  if (names.includes("metrics.json")) return directory;
  const stage = names.find((name) => readdirSync(join(directory, name)).includes("metrics.json"));
  if (stage === undefined) throw new Error(`expected metrics.json in ${directory}: the run has no FieldErrorsCallback`);
  return join(directory, stage);
}
