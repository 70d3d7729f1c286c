import { existsSync, mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { ValueError } from "../config/python-errors";
import { isSurface } from "../data/geometry/cell-geometry";
import { drawField, magnitudes } from "../data/pictures";
import { writeFileWhole } from "../data/readers/file-sink";
import { statusLine } from "../core/logging/terminal";
import { writeTextFile } from "../core/writers/text-file";
import {
  caseForces,
  fieldErrors,
  loadRun,
  readCase,
  referenceValues,
  writePrediction,
  type CaseFiles,
  type CaseForces,
  type CaseOptions,
  type FieldErrors,
  type ForceOptions,
  type LoadRunOptions,
  type PredictedCase,
  type PredictOptions,
  type TrainedRun,
} from "../inference";
import { bodyDomain, fieldsOfDomain, frictionPointsUpstream } from "../inference/forces/case-forces";
import { outputFiles } from "../inference/cases/write-prediction";
import { sceneOf } from "../inference/scene/scene";
import { viewerPage } from "../inference/scene/page";
import { EXIT, printResult } from "./command";
import { INTERRUPTED, interruptible } from "./interruptible";
import { provideOwnModules } from "./own-modules";
import { checkTargets, refuseSource, type PredictionTargets } from "./prediction-targets";

/** What `noether-ts predict` was asked for. */
export interface Prediction {
  readonly run: string;
  readonly inputs: readonly string[];
  readonly outputs: PredictionTargets;
  readonly load: LoadRunOptions;
  readonly files: CaseOptions;
  readonly predict: PredictOptions;
  /** Null: no forces. */
  readonly forces: ForceOptions | null;
}

/** Errors and forces of one case. */
interface CaseSummary {
  readonly case: string;
  readonly files: readonly string[];
  readonly points: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly errors: Readonly<Record<string, FieldErrors>>;
  readonly forces: CaseForces | null;
  /** Of the fields of the file, where it has them. */
  readonly true_forces: CaseForces | null;
}

/** Predicts, writes and prints. Importing this file loads libtorch. */
export async function runPrediction(prediction: Prediction): Promise<number> {
  provideOwnModules();
  return interruptible(async (signal) => {
    if (prediction.forces !== null) referenceValues(prediction.forces);
    checkTargets(prediction.outputs, prediction.inputs, prediction.files);
    using run = await loadRun(prediction.run, prediction.load);
    const { field, summary } = prediction.outputs;
    if (field !== undefined && !run.outputs.some(({ name }) => name === field)) throw noField(run, field);
    const summaries: CaseSummary[] = [];
    try {
      for (const input of prediction.inputs) summaries.push(await predictOne(run, input, prediction, signal));
    } finally {
      // what is done stays known when a later case fails
      if (summary !== undefined && summaries.length > 0)
        writeTextFile(summary, `${JSON.stringify({ run: run.identity, cases: summaries }, null, 2)}\n`);
    }
    return EXIT.ok;
  }, INTERRUPTED);
}

async function predictOne(
  run: TrainedRun,
  input: string,
  { inputs, outputs, files: options, predict, forces }: Prediction,
  signal: AbortSignal,
): Promise<CaseSummary> {
  const start = performance.now();
  const files = await readCase(run, input, options);
  const out =
    outputs.output === undefined ? null : inputs.length > 1 ? join(outputs.output, files.name) : outputs.output;
  // before the work begins
  if (out !== null) {
    const parent = inputs.length > 1 && !existsSync(out) ? outputs.output! : out;
    for (const path of outputFiles(files.domains, parent).values()) refuseSource(path, [input]);
  }
  const drawn = outputs.png === undefined ? null : drawnField(run, files, outputs.field);
  const fields = await run.predict(files.inputs, { ...predict, signal, onProgress: showProgress(files.name) });
  signal.throwIfAborted();
  statusLine.hide();
  const predicted: PredictedCase = { files, fields };
  if (inputs.length > 1 && out !== null) mkdirSync(out, { recursive: true });
  const written = out === null ? [] : await writePrediction(run, predicted, out);
  if (drawn !== null) written.push(drawPicture(predicted, inputs.length > 1, outputs.png!, drawn));
  if (outputs.html !== undefined) written.push(writePage(run, predicted, inputs.length > 1, outputs.html));
  const summary: CaseSummary = {
    case: files.name,
    files: written,
    points: Object.fromEntries(files.domains.map(({ name, positions }) => [name, positions.shape[0]!])),
    seconds: (performance.now() - start) / 1000,
    errors: errorsOf(predicted),
    ...forcesOf(predicted, forces),
  };
  printResult(describe(summary));
  return summary;
}

function showProgress(name: string): NonNullable<PredictOptions["onProgress"]> {
  const isTerminal = process.stderr.isTTY;
  return ({ done, total }) => {
    if (!isTerminal) return;
    const share = `${Math.floor((100 * done) / total)} %`.padStart(5);
    statusLine.show(`${share}  ${done} of ${total} points  ${name}`);
  };
}

function errorsOf({ files, fields }: PredictedCase): Record<string, FieldErrors> {
  return Object.fromEntries(
    files.domains.flatMap(({ truth }) =>
      [...truth].map(([name, expected]) => [name, fieldErrors(fields[name]!, expected)]),
    ),
  );
}

function forcesOf(
  { files, fields }: PredictedCase,
  options: ForceOptions | null,
): Pick<CaseSummary, "forces" | "true_forces"> {
  if (options === null) return { forces: null, true_forces: null };
  const body = bodyDomain(files.domains, options.domain);
  const forces = caseForces(body, fieldsOfDomain(body.name, fields), options);
  const needed = [
    options.pressureField ?? "pressure",
    ...(forces.forces.friction === null ? [] : [options.frictionField ?? "friction"]),
  ];
  const hasTruth = needed.every((field) => body.truth.has(`${body.name}_${field}`));
  const truth = hasTruth ? caseForces(body, fieldsOfDomain(body.name, body.truth), options) : null;
  return { forces, true_forces: truth };
}

/** All domains with a mesh as a page of their own; what was predicted comes first. */
function writePage(run: TrainedRun, predicted: PredictedCase, isFolder: boolean, out: string): string {
  const { name } = predicted.files;
  const path = isFolder ? join(out, `${name}.html`) : out;
  const about = `predicted by ${run.identity.name} (${run.identity.checkpoint}${run.identity.weights === null ? "" : `, ${run.identity.weights}`})`;
  writeTextFile(path, viewerPage([sceneOf(run, predicted, about)]));
  return path;
}

/** A field that a picture shows, and where it is. */
interface DrawnField {
  readonly name: string;
  readonly domain: CaseFiles["domains"][number];
}

/** @throws ValueError where there is nothing to draw */
function drawnField(run: TrainedRun, { domains }: CaseFiles, wanted: string | undefined): DrawnField {
  const drawable = domains.filter(({ mesh }) => mesh !== null);
  const surface = drawable.find(({ mesh }) => isSurface(mesh!.cells) && mesh!.numberOfCells > 0) ?? drawable[0];
  const name = wanted ?? run.outputs.find((output) => isOf(output.name, surface))?.name;
  const domain = drawable.find((each) => name !== undefined && isOf(name, each));
  if (name === undefined || domain === undefined) throw noField(run, wanted);
  return { name, domain };
}

function noField(run: TrainedRun, wanted: string | undefined): ValueError {
  const names = run.outputs.map(({ name }) => name).join(", ");
  return new ValueError(
    `--png: expected a field on a mesh, got ${wanted ?? "none"}; there are ${names} (arrays have no mesh to draw)`,
  );
}

/** The magnitude of a field on its domain, as a picture. */
function drawPicture({ files, fields }: PredictedCase, isFolder: boolean, out: string, drawn: DrawnField): string {
  const { name, domain } = drawn;
  const path = isFolder ? join(out, `${files.name}.png`) : out;
  const { values, shape } = fields[name]!;
  const picture = drawField({
    name,
    mesh: domain.mesh!,
    location: domain.location,
    values: magnitudes(values, shape[1] ?? 1),
  });
  if (isFolder) mkdirSync(out, { recursive: true });
  writeFileWhole(path, (sink) => sink.write(picture));
  return path;
}

/** Whether a field is one of a domain. */
function isOf(field: string, domain: CaseFiles["domains"][number] | undefined): boolean {
  return domain !== undefined && (domain.name === "" || field.startsWith(`${domain.name}_`));
}

/** A case as the command prints it. */
function describe(summary: CaseSummary): string {
  const points = Object.entries(summary.points).map(([name, count]) =>
    name === "" ? `${count} points` : `${count} on ${name}`,
  );
  const lines = [`${summary.case}: ${points.join(", ")}, ${summary.seconds.toFixed(1)} s`];
  for (const path of summary.files) lines.push(`  ${relative(process.cwd(), path) || path}`);
  const names = Object.keys(summary.errors);
  const width = Math.max(...names.map((name) => name.length), 5);
  if (names.length > 0)
    lines.push(
      `  ${"error".padEnd(width)}  ${["relative L2", "MAE", "maximum", "R2"].map((title) => title.padStart(11)).join(" ")}`,
    );
  for (const [name, { relative_l2, mae, max_error, r2 }] of Object.entries(summary.errors)) {
    const cells = [`${(100 * relative_l2).toFixed(2)} %`, short(mae), short(max_error), determination(r2)];
    lines.push(`  ${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(11)).join(" ")}`);
  }
  if (summary.forces !== null) lines.push(...describeForces(summary.forces, summary.true_forces));
  return `${lines.join("\n")}\n`;
}

function describeForces(predicted: CaseForces, truth: CaseForces | null): string[] {
  const rows: [string, number, number | undefined][] = [];
  const add = (name: string, pick: (forces: CaseForces) => number | null | undefined): void => {
    const value = pick(predicted);
    if (value === null || value === undefined) return;
    rows.push([name, value, truth === null ? undefined : (pick(truth) ?? undefined)]);
  };
  for (const [d, axis] of ["x", "y", "z"].entries()) add(`force ${axis}, N`, ({ forces }) => forces.total[d]);
  for (const [d, axis] of ["x", "y", "z"].entries()) add(`moment ${axis}, N m`, ({ forces }) => forces.moment[d]);
  for (const name of ["cd", "cd_pressure", "cd_friction", "cl", "cs", "cm_pitch"] as const)
    add(name, ({ coefficients }) => coefficients?.[name]);
  const lines = [
    `  ${"".padEnd(14)} ${["predicted", ...(truth === null ? [] : ["true"])].map((title) => title.padStart(12)).join(" ")}`,
  ];
  for (const [name, value, expected] of rows)
    lines.push(
      `  ${name.padEnd(14)} ${[value, ...(expected === undefined ? [] : [expected])].map((number) => short(number).padStart(12)).join(" ")}`,
    );
  if (frictionPointsUpstream(predicted) || (truth !== null && frictionPointsUpstream(truth)))
    lines.push(
      "  the friction points upstream: that is the sign of OpenFOAM's wallShearStress; --flip-friction turns it",
    );
  return lines;
}

function short(value: number): string {
  return Number.isFinite(value) ? Number(value.toPrecision(5)).toString() : String(value);
}

/** R²: 1 at best, without bound below. */
function determination(r2: number): string {
  return Math.abs(r2) < 100 ? r2.toFixed(4) : r2.toPrecision(3);
}
