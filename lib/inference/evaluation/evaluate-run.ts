import { ValueError } from "../../config/python-errors";
import { fieldErrors, FieldErrorSums, type CaseFiles, type FieldErrors } from "../cases";
import { caseForces, referenceValues, type CaseForces, type ForceCoefficients, type ForceOptions } from "../forces";
import { bodyDomain, fieldsOfDomain } from "../forces/case-forces";
import type { PredictedField } from "../predict/field-buffers";
import type { PredictOptions } from "../predict/prediction-task";
import type { RunIdentity, TrainedRun } from "../run/trained-run";
import { caseSource, type CaseSource } from "./case-source";

/** What is evaluated, and how. */
export interface EvaluateOptions extends Pick<PredictOptions, "chunkSize" | "seed" | "signal"> {
  /** Key of the data set. Default: that whose pipeline the run uses. */
  readonly dataset?: string;
  /** Only so many cases, the first ones. */
  readonly limit?: number;
  /** Forces on the body, beside those of the truth; without it none. */
  readonly forces?: ForceOptions;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly name: string }) => void;
}

/** Errors of a field over all cases. */
export interface OverallErrors extends FieldErrors {
  /** Mean of the cases' relative L2. */
  readonly mean_relative_l2: number;
}

/** Errors and forces of one case. */
export interface CaseEvaluation {
  readonly name: string;
  /** By sample key; fields without truth are left out. */
  readonly errors: Readonly<Record<string, FieldErrors>>;
  readonly forces: CaseForces | null;
  readonly true_forces: CaseForces | null;
}

/** How well a number of each case is predicted. */
export interface ScalarErrors {
  readonly r2: number;
  readonly mae: number;
  readonly max_error: number;
}

/** What an evaluation found, in the units of the training data. */
export interface RunEvaluation {
  readonly run: RunIdentity;
  readonly dataset: string;
  /** ISO 8601. */
  readonly date: string;
  readonly parameters: number;
  readonly overall: Readonly<Record<string, OverallErrors>>;
  /** Worst first: by the mean over the fields of relative L2. */
  readonly cases: readonly CaseEvaluation[];
  /** Of force coefficients; empty without forces, or without truth. */
  readonly coefficients: Readonly<Record<string, ScalarErrors>>;
}

/** A case with its prediction, for whoever draws it. */
export interface EvaluatedCase {
  readonly files: CaseFiles;
  readonly fields: Readonly<Record<string, PredictedField>>;
}

/**
 * Predicts the cases of a data set of a run and compares them with their truth, at all points, in the units of the training data. Nothing
 * is written.
 *
 * @throws ValueError when no case has a field that the model predicts
 */
export async function evaluateRun(run: TrainedRun, options: EvaluateOptions = {}): Promise<RunEvaluation> {
  const { dataset, limit, forces, onProgress, ...predict } = options;
  if (forces !== undefined) referenceValues(forces);
  const source = caseSource(run, dataset);
  const total = Math.min(source.names.length, limit ?? Infinity);
  const sums = new Map<string, { all: FieldErrorSums; relative: number; count: number }>();
  const cases: CaseEvaluation[] = [];
  for (let index = 0; index < total; index++) {
    const { files, fields } = await evaluatedCase(run, source, index, predict);
    const errors: Record<string, FieldErrors> = {};
    for (const [name, truth] of files.domains.flatMap((domain) => [...domain.truth])) {
      const found = fieldErrors(fields[name]!, truth);
      errors[name] = found;
      const sum = sums.get(name) ?? { all: new FieldErrorSums(), relative: 0, count: 0 };
      sum.all.push(fields[name]!, truth);
      sums.set(name, { ...sum, relative: sum.relative + found.relative_l2, count: sum.count + 1 });
    }
    cases.push({ name: source.names[index]!, errors, ...forcesOf({ files, fields }, forces) });
    onProgress?.({ done: index + 1, total, name: source.names[index]! });
  }
  if (sums.size === 0)
    throw new ValueError(
      `expected fields that the model predicts (${run.outputs.map(({ name }) => name).join(", ")}) in the data set "${source.dataset}", got none in ${total} cases`,
    );
  const overall = [...sums].map(([name, { all, relative, count }]) => [
    name,
    { ...all.finish(), mean_relative_l2: relative / count },
  ]);
  return {
    run: run.identity,
    dataset: source.dataset,
    date: new Date().toISOString(),
    parameters: run.model.paramCount,
    overall: Object.fromEntries(overall) as Record<string, OverallErrors>,
    cases: cases.sort((a, b) => meanError(b) - meanError(a)),
    coefficients: coefficientErrors(cases),
  };
}

/** One case of a data set of a run, predicted. */
export async function evaluatedCase(
  run: TrainedRun,
  source: CaseSource,
  index: number,
  options: Pick<PredictOptions, "chunkSize" | "seed" | "signal"> = {},
): Promise<EvaluatedCase> {
  const files = await source.read(index);
  return { files, fields: await run.predict(files.inputs, options) };
}

/** Mean over the fields of relative L2. */
export function meanError({ errors }: CaseEvaluation): number {
  const values = Object.values(errors).map(({ relative_l2 }) => relative_l2);
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function forcesOf(
  { files, fields }: EvaluatedCase,
  options: ForceOptions | undefined,
): Pick<CaseEvaluation, "forces" | "true_forces"> {
  if (options === undefined) return { forces: null, true_forces: null };
  const body = bodyDomain(files.domains, options.domain);
  const forces = caseForces(body, fieldsOfDomain(body.name, fields), options);
  const names = [
    options.pressureField ?? "pressure",
    ...(forces.forces.friction === null ? [] : [options.frictionField ?? "friction"]),
  ];
  const hasTruth = names.every((name) => body.truth.has(`${body.name}_${name}`));
  return { forces, true_forces: hasTruth ? caseForces(body, fieldsOfDomain(body.name, body.truth), options) : null };
}

function coefficientErrors(cases: readonly CaseEvaluation[]): Record<string, ScalarErrors> {
  const names: (keyof ForceCoefficients)[] = ["cd", "cl", "cs", "cd_pressure", "cd_friction", "cm_pitch"];
  return Object.fromEntries(
    names.flatMap((name): [string, ScalarErrors][] => {
      const pairs = cases.flatMap(({ forces, true_forces }): [number, number][] => {
        const [predicted, truth] = [forces?.coefficients?.[name], true_forces?.coefficients?.[name]];
        return typeof predicted === "number" && typeof truth === "number" ? [[predicted, truth]] : [];
      });
      return pairs.length === 0 ? [] : [[name, scalarErrors(pairs)]];
    }),
  );
}

/** Of pairs of a predicted and a true number. */
export function scalarErrors(pairs: readonly (readonly [predicted: number, truth: number])[]): ScalarErrors {
  const array = (which: 0 | 1) => ({ values: Float64Array.from(pairs, (pair) => pair[which]), shape: [pairs.length] });
  const { r2, mae, max_error } = fieldErrors(array(0), array(1));
  return { r2, mae, max_error };
}
