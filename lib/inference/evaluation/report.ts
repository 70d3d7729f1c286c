import type { NdArray } from "../../data";
import { writeYaml } from "../../config";
import { drawComparison, magnitudes } from "../../data/pictures";
import { escapeHtml, htmlFacts, htmlPage, htmlPicture, htmlTable } from "../../core/report";
import type { PredictOptions } from "../predict/prediction-task";
import type { TrainedRun } from "../run/trained-run";
import { caseSource } from "./case-source";
import { evaluatedCase, type CaseEvaluation, type EvaluatedCase, type RunEvaluation } from "./evaluate-run";

/** What a report shows. */
export interface ReportOptions extends Pick<PredictOptions, "chunkSize" | "seed" | "signal"> {
  /** Cases of which there are pictures, the worst ones. Default 3. */
  readonly pictures?: number;
}

/**
 * A page about an evaluation, in one file without a network: which run, errors over all cases and of each, worst first, coefficients, and of
 * the worst cases every field beside its truth and the difference.
 */
export async function evaluationReport(
  run: TrainedRun,
  evaluation: RunEvaluation,
  { pictures = 3, ...options }: ReportOptions = {},
): Promise<string> {
  const drawn: string[] = [];
  const source = caseSource(run, evaluation.dataset);
  for (const each of evaluation.cases.slice(0, pictures))
    drawn.push(picturesOf(each, await evaluatedCase(run, source, source.names.indexOf(each.name), options)));
  const { identity } = run;
  const title = `${identity.name}: ${evaluation.dataset}`;
  const facts: [string, string][] = [
    ["run", identity.folder],
    ["checkpoint", `${identity.checkpoint}${identity.weights === null ? "" : `, ${identity.weights}`}`],
    ["model", `${run.model.modelConfig.kind}, ${evaluation.parameters.toLocaleString("en")} parameters`],
    ["data set", `${evaluation.dataset}, ${evaluation.cases.length} cases`],
    ["date", evaluation.date],
  ];
  return htmlPage(
    title,
    [
      htmlFacts(facts),
      "<h2>Errors over all cases</h2>",
      overallTable(evaluation),
      coefficientTable(evaluation),
      "<h2>Cases, worst first</h2>",
      caseTable(evaluation),
      ...drawn,
      `<h2>Config</h2>\n<details><summary>model and data sets of the run</summary><pre>${escapeHtml(configText(run))}</pre></details>`,
    ].join("\n"),
  );
}

function overallTable({ overall }: RunEvaluation): string {
  const head = ["field", "relative L2, mean of cases", "relative L2, all points", "MAE", "largest error", "R²"];
  const rows = Object.entries(overall).map(([name, errors]) => [
    name,
    percent(errors.mean_relative_l2),
    percent(errors.relative_l2),
    short(errors.mae),
    short(errors.max_error),
    determination(errors.r2),
  ]);
  return htmlTable(head, rows);
}

function coefficientTable({ coefficients }: RunEvaluation): string {
  const rows = Object.entries(coefficients).map(([name, { r2, mae, max_error }]) => [
    name,
    determination(r2),
    short(mae),
    short(max_error),
  ]);
  return rows.length === 0
    ? ""
    : `<h2>Force coefficients</h2>\n${htmlTable(["coefficient", "R²", "MAE", "largest error"], rows)}`;
}

function caseTable({ overall, cases, coefficients }: RunEvaluation): string {
  const fields = Object.keys(overall);
  const names = Object.keys(coefficients) as "cd"[];
  const head = [
    "case",
    ...fields.map((field) => `${field}, relative L2`),
    ...names.flatMap((name) => [`${name} predicted`, `${name} true`]),
  ];
  const rows = cases.map(({ name, errors, forces, true_forces }) => [
    name,
    ...fields.map((field) => (errors[field] === undefined ? "" : percent(errors[field].relative_l2))),
    ...names.flatMap((each) => [forces, true_forces].map((side) => short(side?.coefficients?.[each] ?? NaN))),
  ]);
  return htmlTable(head, rows);
}

/** Prediction, truth and difference of every field; the first two share their colours. */
function picturesOf({ name, errors }: CaseEvaluation, { files, fields }: EvaluatedCase): string {
  const rows = files.domains.flatMap(({ mesh, location, truth }) => {
    if (mesh === null) return [];
    return [...truth].map(([field, expected]) => {
      const numbers = ({ values, shape }: NdArray): Float32Array => magnitudes(values as Float32Array, shape[1] ?? 1);
      const pngs = drawComparison(
        { name: field, mesh, location, predicted: numbers(fields[field]!), truth: numbers(expected) },
        { width: 620, height: 420 },
      );
      const figure = (what: keyof typeof pngs, caption: string): string =>
        htmlPicture(pngs[what], `${caption} ${field} of ${name}`, caption);
      const error = errors[field] === undefined ? "" : ` (relative L2 ${percent(errors[field].relative_l2)})`;
      return `<h4>${escapeHtml(field + error)}</h4><div class="row">${figure("predicted", "predicted")}${figure("true", "truth")}${figure("difference", "predicted − truth")}</div>`;
    });
  });
  return rows.length === 0 ? "" : `<h3>${escapeHtml(name)}</h3>\n${rows.join("\n")}`;
}

function configText({ stored }: TrainedRun): string {
  return stored.plain === null
    ? "no config is stored"
    : writeYaml({ model: stored.plain["model"], datasets: stored.plain["datasets"] });
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const short = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "");

/** R²: 1 at best, without bound below. */
function determination(r2: number): string {
  return Math.abs(r2) < 100 ? r2.toFixed(4) : r2.toPrecision(3);
}
