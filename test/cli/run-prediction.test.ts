import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { predict } from "../../lib/cli/predict";
import { runPrediction, type Prediction } from "../../lib/cli/run-prediction";
import { readMesh, writeMesh } from "../../lib/data";
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
    /\/none\/of\/this: expected a case \(a folder or a file\), got nothing/,
  ],
  ["reference values that are missing", { forces: { velocity: 3 } }, /give --density and --area/],
])("%s ends before anything is written", async (_, changes, message) => {
  await expect(
    runPrediction(prediction({ outputs: { ...NO_OUTPUTS, output: at("never") }, ...changes })),
  ).rejects.toThrow(message);
  expect(existsSync(at("never"))).toBe(false);
});

test.each([
  [
    "a picture in a folder that is not there",
    { png: "no/p.png" },
    /no\/p\.png: expected an existing folder, got .*no; create it/,
  ],
  ["a page in a folder that is not there", { html: "no/p.html" }, /expected an existing folder/],
  ["a summary in a folder that is not there", { summary: "no/s.json" }, /expected an existing folder/],
  ["a folder in place of a summary", { summary: "." }, /expected the name of a file, got a folder/],
  ["a file in place of a folder", { output: "a/inflow.json/x" }, /expected a folder, got the file/],
  [
    "a summary in place of a file of the case",
    { summary: "a/inflow.json" },
    /expected a new file, got one of the case/,
  ],
  ["a picture in place of a file of the case", { png: "a/surface.vtp" }, /expected a new file, got one of the case/],
  [
    "a field that there is not",
    { png: "p.png", field: "heat" },
    /expected a field on a mesh, got heat; there are surface_pressure/,
  ],
])("%s is an error before the work begins, which leaves everything as it was", async (_, targets, message) => {
  const paths = Object.entries(targets).map(([key, path]) => [key, key === "field" ? path : at(path)]);
  const before = readFileSync(at("a/inflow.json"));
  const outputs = { ...NO_OUTPUTS, output: at("early"), ...Object.fromEntries(paths) };
  await expect(runPrediction(prediction({ outputs }))).rejects.toThrow(message);
  expect([existsSync(at("early")), existsSync(at("no")), existsSync(at("p.png"))]).toEqual([false, false, false]);
  expect(readFileSync(at("a/inflow.json"))).toEqual(before);
});

test("cases of the same name would overwrite each other", async () => {
  cpSync(at("a"), at("other/a"), { recursive: true });
  const outputs = { ...NO_OUTPUTS, output: at("twice") };
  await expect(runPrediction(prediction({ inputs: [at("a"), at("other/a")], outputs }))).rejects.toThrow(
    /expected cases of different names.*"a" is there several times/,
  );
  expect(existsSync(at("twice"))).toBe(false);
});

test("a file of a domain that lies elsewhere is not overwritten", async () => {
  mkdirSync(at("elsewhere"));
  cpSync(at("b/surface.vtp"), at("elsewhere/body.vtp"));
  const outputs = { ...NO_OUTPUTS, png: at("elsewhere/body.vtp") };
  const files = { domains: { surface: at("elsewhere/body.vtp") } };
  await expect(runPrediction(prediction({ outputs, files }))).rejects.toThrow(
    /expected a new file, got one of the case/,
  );
});

test("a case that fails leaves the results and the summary of those before it", async () => {
  cpSync(at("a"), at("damaged"), { recursive: true });
  const mesh = await readMesh(at("a/surface.vtp"));
  const points = Float64Array.from(mesh.points);
  points[4] = NaN;
  await writeMesh(mesh.with({ points }), at("damaged/surface.vtp"));
  const outputs = { ...NO_OUTPUTS, output: at("some"), summary: at("some.json") };
  await expect(runPrediction(prediction({ inputs: [at("b"), at("damaged")], outputs }))).rejects.toThrow(
    /surface_position of the case "damaged" has NaN or infinite values in 1 of 62 rows, the first is row 1; a prediction needs all points$/,
  );
  expect(readdirSync(at("some"))).toEqual(["b"]);
  const { cases } = JSON.parse(readFileSync(at("some.json"), "utf8")) as { cases: { case: string }[] };
  expect(cases.map((each) => each.case)).toEqual(["b"]);
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
