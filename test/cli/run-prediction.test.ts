import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { predict } from "../../lib/cli/predict";
import { runPrediction, type Prediction } from "../../lib/cli/run-prediction";
import { readMesh } from "../../lib/data";
import { getNumThreads, setNumThreads } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";
import { trainSpheres, writeSphereCase } from "../support/sphere-run";

const threads = getNumThreads();
const folder = temporaryFolder();
const at = (name: string) => join(folder.path, name);
let run: string;
let printed: string[];
beforeAll(async () => {
  setNumThreads(1);
  run = await trainSpheres(folder.path);
  for (const [name, radius] of [
    ["a", 1.02],
    ["b", 1.07],
  ] as const)
    await writeSphereCase(at(name), { radius });
}, 60_000);
afterAll(() => {
  setNumThreads(threads);
  folder.remove();
});
beforeEach(() => {
  printed = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
});
afterEach(() => jest.restoreAllMocks());

const NO_OUTPUTS = { output: undefined, summary: undefined, png: undefined, html: undefined, field: undefined };
const prediction = (changes: Partial<Prediction>): Prediction => ({
  run,
  inputs: [at("a")],
  outputs: NO_OUTPUTS,
  load: {},
  files: {},
  predict: {},
  forces: null,
  ...changes,
});

test("files, errors and forces of each case, and a summary", async () => {
  const forces = { density: 1.2, velocity: 10, area: 3 };
  const outputs = {
    ...NO_OUTPUTS,
    output: at("out"),
    summary: at("summary.json"),
    png: at("pictures"),
    html: at("pages"),
  };
  expect(await runPrediction(prediction({ inputs: [at("a"), at("b")], outputs, forces }))).toBe(0);
  expect(readdirSync(at("out"))).toEqual(["a", "b"]);
  expect((await readMesh(at("out/b/surface.vtp"))).pointData.has("pressure_predicted")).toBe(true);
  expect(readdirSync(at("pictures"))).toEqual(["a.png", "b.png"]);
  expect(readdirSync(at("pages"))).toEqual(["a.html", "b.html"]);
  const page = readFileSync(at("pages/a.html"), "utf8");
  expect(page).toContain('"name":"pressure","components":1,"predicted":"');
  expect(page).not.toMatch(/(src|href)="https?:/);
  const text = printed.join("");
  expect(text).toMatch(/^a: 62 on surface, 64 on volume/m);
  expect(text).toMatch(/^ {2}surface_pressure +\d+\.\d\d %/m);
  expect(text).toMatch(/^ {2}cd +\S+ +\S+$/m);
  expect(text.split("\n").filter((line) => line.length > 80 && !line.includes("/"))).toEqual([]);
  const { run: identity, cases } = JSON.parse(readFileSync(at("summary.json"), "utf8")) as {
    run: object;
    cases: Record<string, Record<string, unknown>>[];
  };
  expect(identity).toMatchObject({ checkpoint: "latest", name: "ab_upt" });
  expect(cases.map((each) => each["case"])).toEqual(["a", "b"]);
  expect(cases[0]!["errors"]!["surface_pressure"]).toMatchObject({ r2: expect.any(Number) as number });
  // a uniform friction of 1 along x: the drag is the area of the polyhedron
  expect(cases[0]!["true_forces"]).toMatchObject({ coefficients: { cd_pressure: expect.closeTo(0, 6) as number } });
});

test("Ctrl-C stops: nothing is written, the exit code is that of shells", async () => {
  const before = process.listenerCount("SIGINT");
  const errors = jest.spyOn(process.stderr, "write").mockImplementation(() => true);
  const done = runPrediction(
    prediction({ outputs: { ...NO_OUTPUTS, output: at("stopped") }, predict: { chunkSize: 1 } }),
  );
  while (process.listenerCount("SIGINT") === before) await new Promise((resolve) => setImmediate(resolve));
  process.emit("SIGINT");
  expect(await done).toBe(130);
  expect(errors.mock.calls.flat().join("")).toContain("interrupted: nothing was written");
  expect(existsSync(at("stopped"))).toBe(false);
  expect(process.listenerCount("SIGINT")).toBe(before);
});

test.each([
  ["a run that is not there", { run: "/none/of/this" }, /expected the folder of a run, got nothing of that name/],
  [
    "a case that is not there",
    { inputs: ["/none/of/this"] },
    /expected a case, \/none\/of\/this, which does not exist/,
  ],
  ["reference values that are missing", { forces: { velocity: 3 } }, /give --density and --area/],
])("%s ends before anything is written", async (_, changes, message) => {
  await expect(
    runPrediction(prediction({ outputs: { ...NO_OUTPUTS, output: at("never") }, ...changes })),
  ).rejects.toThrow(message);
  expect(existsSync(at("never"))).toBe(false);
});

test("a file of the case itself is not overwritten", async () => {
  const before = readFileSync(at("a/surface.vtp"));
  await expect(runPrediction(prediction({ outputs: { ...NO_OUTPUTS, output: at("a") } }))).rejects.toThrow(
    /expected a new file, got one of the case itself/,
  );
  expect(readFileSync(at("a/surface.vtp"))).toEqual(before);
});

test.each([
  [["RUN"], "expected a case to predict behind the run"],
  [["RUN", "CASE"], "expected -o OUT"],
  [["RUN", "A", "B", "-o", "x.vtp"], "--output: expected a folder for 2 cases"],
  [["RUN", "A", "-o", "x", "--chunk-size", "many"], '--chunk-size: expected a whole number of at least 1, got "many"'],
  [["RUN", "A", "-o", "x", "--domain", "surface"], '--domain: expected NAME=VALUE, got "surface"'],
  [["RUN", "A", "-o", "x", "--map", "p=a", "--map", "p=b"], '--map: "p" is given twice'],
  [["RUN", "A", "-o", "x", "--set", "inflow=1,fast"], '--set inflow: expected a number, got "fast"'],
  [["RUN", "A", "-o", "x", "--drag", "1,0"], "--drag: expected three numbers X,Y,Z"],
  [["RUN", "A", "-o", "x", "--normals", "up"], '--normals has no "up"; known: "out", "in"'],
  [["RUN", "A", "-o", "x", "--cells", "--points"], "expected one of --cells and --points"],
  [["RUN", "A", "--outptu", "x"], "unknown option --outptu; did you mean --output?"],
])("bad usage: %j", async (args, message) => {
  await expect(predict(args)).rejects.toThrow(message);
});
