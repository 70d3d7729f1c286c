import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { runReport } from "../../lib/cli/run-report";
import {
  evaluateRun,
  evaluationReport,
  fieldErrors,
  loadRun,
  readCase,
  type RunEvaluation,
  type TrainedRun,
} from "../../lib/inference";
import { getNumThreads, setNumThreads } from "../../lib/torch";
import { airfoilCase, trainAirfoil } from "../support/airfoil-run";
import { temporaryFolder } from "../support/small-run";
import { trainSpheres } from "../support/sphere-run";

const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));
const folder = temporaryFolder();
afterAll(() => folder.remove());

const listing = (path: string) =>
  readdirSync(path, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => `${name} ${statSync(join(path, name)).mtimeMs}`);

describe("a run on a folder of cases", () => {
  let run: TrainedRun;
  let evaluation: RunEvaluation;
  const forces = { density: 1.2, velocity: 10, area: 3 };
  beforeAll(async () => {
    run = await loadRun(await trainSpheres(folder.path));
    evaluation = await evaluateRun(run, { forces });
  }, 60_000);
  afterAll(() => run.dispose());

  test("errors of each case are those of its prediction, the worst first", async () => {
    expect(evaluation).toMatchObject({ dataset: "test", parameters: run.model.paramCount, run: run.identity });
    expect(evaluation.cases).toHaveLength(2);
    const [worst, best] = evaluation.cases.map(({ errors }) =>
      Object.values(errors).reduce((sum, { relative_l2 }) => sum + relative_l2, 0),
    );
    expect(worst).toBeGreaterThanOrEqual(best!);
    for (const { name, errors } of evaluation.cases) {
      const path = join(folder.path, "cases", name);
      const [files, fields] = [await readCase(run, path), await run.predict(path)];
      for (const [field, found] of Object.entries(errors)) {
        const truth = files.domains.flatMap((domain) => [...domain.truth]).find(([key]) => key === field)![1];
        expect(found).toEqual(fieldErrors(fields[field]!, truth));
      }
    }
  });

  test("overall errors are those of all points, beside the mean of the cases", () => {
    const { surface_pressure } = evaluation.overall;
    const each = evaluation.cases.map(({ errors }) => errors["surface_pressure"]!);
    expect(surface_pressure!.mean_relative_l2).toBeCloseTo((each[0]!.relative_l2 + each[1]!.relative_l2) / 2, 12);
    expect(surface_pressure!.mae).toBeCloseTo((each[0]!.mae + each[1]!.mae) / 2, 9); // equally many points
    expect(surface_pressure!.max_error).toBe(Math.max(each[0]!.max_error, each[1]!.max_error));
  });

  test("force coefficients of prediction and truth, and their R²", () => {
    expect(Object.keys(evaluation.coefficients)).toEqual(["cd", "cl", "cs", "cd_pressure", "cd_friction"]);
    const pairs = evaluation.cases.map(
      (each) => [each.forces!.coefficients!.cd, each.true_forces!.coefficients!.cd] as const,
    );
    const mean = (pairs[0]![1] + pairs[1]![1]) / 2;
    const residual = pairs.reduce((sum, [p, t]) => sum + (p - t) ** 2, 0);
    const spread = pairs.reduce((sum, [, t]) => sum + (t - mean) ** 2, 0);
    expect(evaluation.coefficients["cd"]!.r2).toBeCloseTo(1 - residual / spread, 9);
  });

  test("the report shows run, errors, cases and pictures, in one file", async () => {
    const html = await evaluationReport(run, evaluation, { pictures: 1 });
    for (const text of [
      run.identity.folder,
      "latest",
      `${run.model.paramCount.toLocaleString("en")} parameters`,
      evaluation.date,
      "surface_friction",
      "Force coefficients",
      "hidden_dim: 24",
    ])
      expect(html).toContain(text);
    for (const { name } of evaluation.cases) expect(html).toContain(`<td>${name}</td>`);
    // three fields, each predicted, true and different
    expect(html.match(/data:image\/png;base64,/g)).toHaveLength(9);
    expect(html).not.toMatch(/(src|href)="(https?:|\/\/)/);
  });

  test("the command writes a new folder, and nothing into that of the run", async () => {
    const printed: string[] = [];
    const write = jest.spyOn(process.stdout, "write").mockImplementation((text) => (printed.push(String(text)), true));
    const before = listing(run.identity.folder);
    const request = { run: run.identity.folder, load: {}, evaluate: { limit: 1 }, pictures: 0 };
    expect(await runReport({ ...request, output: null })).toBe(0);
    expect(await runReport({ ...request, output: null })).toBe(0);
    write.mockRestore();
    expect(listing(run.identity.folder)).toEqual(before);
    for (const name of ["train_eval", "train_eval_2"])
      expect(readdirSync(join(run.identity.folder, "..", name))).toEqual(["metrics.json", "report.html"]);
    const metrics = JSON.parse(
      readFileSync(join(run.identity.folder, "..", "train_eval", "metrics.json"), "utf8"),
    ) as RunEvaluation;
    expect(metrics.cases).toHaveLength(1);
    expect(printed.join("")).toMatch(/^surface_pressure +\d+\.\d\d %/m);
    await expect(runReport({ ...request, output: run.identity.folder })).rejects.toThrow(
      /expected a new or an empty folder, got one with files/,
    );
    await expect(runReport({ ...request, output: join(folder.path, "no", "such") })).rejects.toThrow(
      /expected an existing folder/,
    );
  });

  test.each([
    [
      "a data set that there is not",
      { dataset: "tset" },
      /expected the key of a data set of the run, got "tset"; did you mean "test"/,
    ],
    ["reference values that are missing", { forces: { area: 1 } }, /give --density and --velocity/],
  ])("%s is an error", async (_, options, message) => {
    await expect(evaluateRun(run, options)).rejects.toThrow(message);
  });

  test("a signal stops between cases", async () => {
    await expect(evaluateRun(run, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });
});

test("a data set of a user's class: samples by their names", async () => {
  using run = await loadRun(await trainAirfoil(folder.path));
  const { cases } = await evaluateRun(run, { limit: 2 });
  expect(cases.map(({ name }) => name).sort()).toEqual(["naca0012_0", "naca0012_1"]);
  const truth = airfoilCase(0)["volume_velocity"]!;
  const fields = await run.predict(airfoilCase(0));
  const expected = fieldErrors(fields["volume_velocity"]!, {
    values: truth.contiguous().dataSync() as Float32Array,
    shape: truth.shape,
  });
  expect(cases.find(({ name }) => name === "naca0012_0")!.errors["volume_velocity"]).toEqual(expected);
});
