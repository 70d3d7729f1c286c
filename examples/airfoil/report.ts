import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import { type ChartLine, escapeHtml, lineChart } from "noether-ts/core";
import { load, loadSafetensors, toMap, type Tensor } from "noether-ts/torch";
import { FIELDS, type Field } from "./baselines";
import type { Errors, Metrics } from "./callback";
import { DIVERGING, fieldPicture, SEQUENTIAL } from "./charts";
import { KdTree } from "./interpolation";

/** Points, CFD fields and predictions of one case. */
interface CaseData {
  readonly surface_position: Float32Array;
  readonly volume_position: Float32Array;
  readonly cfd: Record<Field, Float32Array>;
  readonly predicted: Record<Field, Float32Array>;
}

const FIELD_NAMES: Record<Field, string> = {
  surface_pressure: "surface pressure",
  volume_velocity: "velocity in the volume",
  volume_pressure: "pressure in the volume",
};

/**
 * Writes `airfoil.html` into a run directory from what the run left there: `metrics.json`, `predictions.safetensors`,
 * `tracker/` and `hp_resolved.yaml`. The file stands alone: styles, charts and pictures are inside.
 *
 * @returns path of the report
 */
export function writeReport(runDirectory: string): string {
  const metrics = JSON.parse(readFileSync(join(runDirectory, "metrics.json"), "utf8")) as Metrics;
  const logged = toMap<Map<number, number>>(load(join(runDirectory, "tracker", "entries.th")));
  const entries = logged as ReadonlyMap<string, ReadonlyMap<number, number>>;
  const cases = readPredictions(join(runDirectory, "predictions.safetensors"));
  const html = page(metrics, entries, cases, describeRun(runDirectory));
  const path = join(runDirectory, "airfoil.html");
  writeFileSync(`${path}.tmp`, html);
  renameSync(`${path}.tmp`, path);
  return path;
}

/** What tells this run from others. */
interface RunDescription {
  readonly id: string;
  readonly date: Date;
  readonly parameters: number;
  /** The resolved config, as YAML. */
  readonly config: string;
}

function describeRun(runDirectory: string): RunDescription {
  const config = readFileSync(join(runDirectory, "hp_resolved.yaml"), "utf8");
  const { stage_name: stage } = parse(config) as { stage_name?: string | null };
  const summary = parse(readFileSync(join(runDirectory, "tracker", "summary.yaml"), "utf8")) as Record<string, number>;
  const total = Object.keys(summary).find((key) => /^param_count\/[^/]+$/.test(key))!;
  return {
    id: basename(stage ? dirname(runDirectory) : runDirectory),
    date: statSync(join(runDirectory, "metrics.json")).mtime,
    parameters: summary[total]!,
    config,
  };
}

function readPredictions(path: string): CaseData[] {
  const { tensors } = loadSafetensors(path);
  const count = tensors.get("surface_position")!.size(0);
  const numbers = (key: string, index: number): Float32Array => {
    const row: Tensor = tensors.get(key)!.select(0, index).contiguous();
    return Float32Array.from(row.dataSync() as Float32Array);
  };
  const fields = (prefix: string, index: number): Record<Field, Float32Array> =>
    Object.fromEntries(Object.keys(FIELDS).map((field) => [field, numbers(`${prefix}.${field}`, index)])) as Record<
      Field,
      Float32Array
    >;
  return Array.from({ length: count }, (_, index) => ({
    surface_position: numbers("surface_position", index),
    volume_position: numbers("volume_position", index),
    cfd: fields("cfd", index),
    predicted: fields("predicted", index),
  }));
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

function page(
  metrics: Metrics,
  entries: ReadonlyMap<string, ReadonlyMap<number, number>>,
  cases: readonly CaseData[],
  run: RunDescription,
): string {
  const order = metrics.cases
    .map((row, index) => ({ index, error: row.relative_l2.surface_pressure.model }))
    .sort((a, b) => a.error - b.error);
  const shown = [
    { what: "smallest error", index: order[0]!.index },
    { what: "median error", index: order[order.length >> 1]!.index },
    { what: "largest error", index: order.at(-1)!.index },
  ];
  const sections = [...new Map(shown.map((entry) => [entry.index, entry])).values()].map(({ what, index }) =>
    caseSection(what, metrics.cases[index]!, cases[index]!),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Airfoils: AB-UPT against CFD</title>
<style>
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1b2733; background: #fff; }
body { max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #d5dce3; }
table { border-collapse: collapse; margin: 0.6rem 0; } th, td { padding: 0.25rem 0.8rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 1px solid #8a97a5; }
tbody tr:nth-child(even) { background: #f4f6f8; } .good { color: #1a7f37; } .bad { color: #b3261e; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 12px; } svg { width: 100%; height: auto; }
.scroll { overflow-x: auto; } .run { color: #56636f; } pre { overflow-x: auto; background: #f4f6f8; padding: 0.8rem; font-size: 12px; }
svg text { font-size: 11px; fill: #3a4856; }
svg .title { font-size: 12.5px; font-weight: 600; fill: #1b2733; } svg .grid { stroke: #e3e8ec; }
svg .frame { fill: none; stroke: #9aa6b2; } svg .body { fill: #fff; stroke: #1b2733; stroke-width: 0.8; }
</style></head><body>
<h1>Airfoils: AB-UPT against CFD</h1>
<p class="run">Run <b>${escapeHtml(run.id)}</b>, ${run.date.toISOString().slice(0, 16).replace("T", " ")} UTC, ${run.parameters.toLocaleString("en")} parameters</p>
<p>Steady RANS flow (OpenFOAM, Spalart&ndash;Allmaras) around NACA 4-digit airfoils. The ${metrics.cases.length} cases of the
${metrics.dataset} split have shapes that the model has not seen. Errors are relative L2 norms over all points of a case, mean over the
cases; state of the model: epoch ${metrics.epoch}, update ${metrics.update}.</p>
${errorTable(metrics)}
<p>Mean field: mean over the training cases, interpolated to the points. Nearest case: the training case nearest in camber, its position,
thickness, angle of attack and speed, interpolated to the points.</p>
<h2>Training</h2>
<div class="row">${lossCharts(entries)}</div>
${sections.join("\n")}
<h2>All cases</h2>
${caseTable(metrics)}
<h2>Config</h2>
<details><summary>everything that the run was started with (hp_resolved.yaml)</summary><pre>${escapeHtml(run.config)}</pre></details>
</body></html>
`;
}

function errorTable(metrics: Metrics): string {
  const rows = (Object.entries(metrics.relative_l2) as [Field, Errors][]).map(
    ([field, { model, mean_field, nearest_case }]) => {
      const grade = model < nearest_case && model < mean_field ? "good" : "bad";
      return `<tr><td>${FIELD_NAMES[field]}</td><td class="${grade}"><b>${percent(model)}</b></td><td>${percent(mean_field)}</td><td>${percent(nearest_case)}</td></tr>`;
    },
  );
  return `<div class="scroll"><table><thead><tr><th>field</th><th>AB-UPT</th><th>mean field</th><th>nearest case</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function caseTable(metrics: Metrics): string {
  const rows = metrics.cases.map(({ name, angle, speed, nearest_case, relative_l2 }) => {
    const { surface_pressure: surface, volume_velocity: velocity, volume_pressure: pressure } = relative_l2;
    const cells = [
      name,
      `${angle.toFixed(2)}°`,
      `${speed.toFixed(1)}`,
      percent(surface.model),
      percent(surface.mean_field),
      `${percent(surface.nearest_case)} (${nearest_case})`,
      percent(velocity.model),
      percent(pressure.model),
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const heads = [
    "case",
    "angle",
    "speed, m/s",
    "surface pressure",
    "mean field",
    "nearest case",
    "velocity",
    "pressure",
  ];
  return `<div class="scroll"><table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function lossCharts(entries: ReadonlyMap<string, ReadonlyMap<number, number>>): string {
  const line = (key: string, label: string, colour: string): ChartLine[] => {
    const values = entries.get(key);
    return values ? [{ label, colour, x: [...values.keys()], y: [...values.values()] }] : [];
  };
  // the online loss is logged per interval; the shortest one that was logged gives the finest curve
  const online = [...entries.keys()].filter((key) => /^loss\/online\/total\/[EUS]\d+$/.test(key));
  const finest = online.sort((a, b) => entries.get(b)!.size - entries.get(a)!.size)[0];
  const axes = { xLabel: "update", isLog: true };
  const total = [
    ...(finest ? line(finest, "training", "#5a8fc4") : []),
    ...line("loss/val/total", "validation", "#c8451b"),
  ];
  const interval = finest?.split("/").at(-1);
  const parts = (Object.keys(FIELDS) as Field[]).flatMap((field, n) =>
    line(
      `loss/online/${field}/${interval}`,
      FIELD_NAMES[field].replace(" in the volume", ""),
      ["#c8451b", "#2a7f62", "#5a8fc4"][n]!,
    ),
  );
  return [
    total.length > 0 ? lineChart(total, { ...axes, title: "Loss", yLabel: "sum of mean squared errors" }) : "",
    parts.length > 0
      ? lineChart(parts, { ...axes, title: "Training loss by field", yLabel: "mean squared error" })
      : "",
  ].join("\n");
}

function caseSection(what: string, row: Metrics["cases"][number], data: CaseData): string {
  const { surface_position, volume_position, cfd, predicted } = data;
  const x = Float32Array.from({ length: surface_position.length / 2 }, (_, n) => surface_position[2 * n]!);
  const cp = lineChart(
    [
      { label: "CFD", colour: "#1b2733", x, y: cfd.surface_pressure, isDots: true },
      { label: "AB-UPT", colour: "#c8451b", x, y: predicted.surface_pressure },
    ],
    {
      title: "Pressure coefficient along the surface",
      xLabel: "x / chord",
      yLabel: "pressure coefficient",
      isInverted: true,
    },
  );
  const deviation = lineChart(
    [
      {
        label: "AB-UPT - CFD",
        colour: "#c8451b",
        x,
        y: predicted.surface_pressure.map((value, n) => value - cfd.surface_pressure[n]!),
      },
    ],
    { title: "Error along the surface", xLabel: "x / chord", yLabel: "difference of pressure coefficients" },
  );
  const tree = new KdTree(volume_position);
  const speed = (velocity: Float32Array): Float32Array =>
    Float32Array.from({ length: velocity.length / 2 }, (_, n) => Math.hypot(velocity[2 * n]!, velocity[2 * n + 1]!));
  const pictures = [
    fieldRow(
      "pressure coefficient",
      tree,
      cfd.volume_pressure,
      predicted.volume_pressure,
      surface_position,
      "diverging",
    ),
    fieldRow(
      "speed / free stream",
      tree,
      speed(cfd.volume_velocity),
      speed(predicted.volume_velocity),
      surface_position,
      "sequential",
    ),
  ];
  const { surface_pressure, volume_velocity, volume_pressure } = row.relative_l2;
  return `<h2>${row.name.replace("naca", "NACA ").replace(/_\d+$/, "")} at ${row.angle.toFixed(2)}°, ${row.speed.toFixed(1)} m/s (${what} on the surface)</h2>
<p>Errors: surface pressure ${percent(surface_pressure.model)}, velocity ${percent(volume_velocity.model)}, pressure in the volume ${percent(volume_pressure.model)}.</p>
<div class="row">${cp}${deviation}</div>
${pictures.map((row) => `<div class="row">${row}</div>`).join("\n")}`;
}

/** Prediction, CFD and difference side by side; the first two share their colours. */
function fieldRow(
  name: string,
  tree: KdTree,
  cfd: Float32Array,
  predicted: Float32Array,
  contour: Float32Array,
  scale: "diverging" | "sequential",
): string {
  const difference = predicted.map((value, n) => value - cfd[n]!);
  const magnitudes = (values: Float32Array, quantile: number): number => {
    const sorted = values.map(Math.abs).sort();
    return sorted[Math.floor(quantile * (sorted.length - 1))]!;
  };
  const top = magnitudes(cfd, 0.99);
  const range = scale === "diverging" ? ([-top, top] as const) : ([0, top] as const);
  const bound = Math.max(magnitudes(difference, 0.99), 0.02 * top);
  const common = { tree, contour };
  const colours = scale === "diverging" ? DIVERGING : SEQUENTIAL;
  return [
    fieldPicture({ ...common, title: `AB-UPT: ${name}`, values: predicted, range, scale: colours }),
    fieldPicture({ ...common, title: `CFD: ${name}`, values: cfd, range, scale: colours }),
    fieldPicture({ ...common, title: "Difference", values: difference, range: [-bound, bound], scale: DIVERGING }),
  ].join("\n");
}
