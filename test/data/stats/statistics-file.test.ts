import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkWritable, readStatistics, RunningMoments, writeStatistics } from "../../../lib/data";
import { RuntimeError, ValueError } from "../../../lib/config/python-errors";
import { tensor } from "../../../lib/torch";
import { temporaryFolder } from "../../support/small-run";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

function example(): Map<string, RunningMoments> {
  const [pressure, velocity] = [new RunningMoments(), new RunningMoments(true)];
  pressure.pushTensor(tensor([1, 2, 3]));
  velocity.pushTensor(tensor([[0, 1e-5], [0, 1e-5]])); // prettier-ignore
  return new Map([["volume_velocity", velocity], ["surface_pressure", pressure]]); // prettier-ignore
}

// json.dumps(…, indent=2) and yaml.safe_dump of Python
test("release 2026.4: flat, fields in alphabetical order, as Python writes JSON", () => {
  const file = join(folder.path, "new", "stats.json");
  writeStatistics(file, example());
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(
    /^\{\n {2}"surface_pressure_mean": \[\n {4}2\.0\n {2}\],\n {2}"surface_pressure_std": \[\n {4}1\.0\n {2}\],\n {2}"surface_pressure_min": 1\.0,\n {2}"surface_pressure_max": 3\.0,\n {2}"surface_pressure_count": 3,\n {2}"surface_pressure_log_scale": false,\n {2}"volume_velocity_mean": \[\n {4}0\.0,\n {4}9\.99\d+e-06\n {2}\],/,
  );
  expect(text).toMatch(/"volume_velocity_max": \[\n {4}0\.0,\n {4}9\.99\d+e-06\n {2}\],/);
  expect(readdirSync(join(folder.path, "new"))).toEqual(["stats.json"]);
});

test("release 1.1: one mapping a field", () => {
  const file = join(folder.path, "stats.json");
  writeStatistics(file, example(), "1.1");
  const read = JSON.parse(readFileSync(file, "utf8")) as Record<string, object>;
  expect(Object.keys(read)).toEqual(["surface_pressure", "volume_velocity"]);
  expect(read["surface_pressure"]).toEqual({ mean: [2], std: [1], min: 1, max: 3, count: 3, log_scale: false });
  expect(Object.keys(read["volume_velocity"]!)).toEqual(["mean", "std", "min", "max", "count", "log_scale"]);
});

test("YAML by the name of the file, floats as such", () => {
  const file = join(folder.path, "stats.yaml");
  writeStatistics(file, example());
  expect(readFileSync(file, "utf8")).toMatch(
    /^surface_pressure_mean:\n- 2\.0\nsurface_pressure_std:\n- 1\.0\nsurface_pressure_min: 1\.0\nsurface_pressure_max: 3\.0\nsurface_pressure_count: 3\nsurface_pressure_log_scale: false\nvolume_velocity_mean:\n- 0\.0\n- 9\.9\d+e-06\n/,
  );
});

test.each([
  ["stats.json", "2026.4"],
  ["stats.json", "1.1"],
  ["stats.yml", "2026.4"],
  ["stats.yml", "1.1"],
] as const)("%s in the form of %s is read back the same", (name, format) => {
  const file = join(folder.path, name);
  writeStatistics(file, example(), format);
  const read = readStatistics(file);
  expect(read).toMatchObject({ surface_pressure_mean: [2], surface_pressure_min: 1, surface_pressure_count: 3 });
  expect(read["volume_velocity_log_scale"]).toBe(1);
  expect(read["volume_velocity_mean"]).toEqual(example().get("volume_velocity")!.mean);
});

test.each([
  ["NaN", [1, NaN], /expected finite statistics of "p"/],
  ["one value", [1], /at least two values of "p"/],
])("%s: nothing is written, and an older file stays", (_, values, problem) => {
  const file = join(folder.path, "stats.json");
  writeFileSync(file, "older");
  const moments = new RunningMoments();
  moments.pushTensor(tensor(values));
  expect(() => writeStatistics(file, new Map([["p", moments]]))).toThrow(ValueError);
  expect(() => writeStatistics(file, new Map([["p", moments]]))).toThrow(problem);
  expect(readFileSync(file, "utf8")).toBe("older");
  expect(readdirSync(folder.path)).toEqual(["stats.json"]);
});

test("whether a file can be written is known before", () => {
  mkdirSync(join(folder.path, "stats.json"));
  writeFileSync(join(folder.path, "file"), "");
  expect(() => checkWritable(join(folder.path, "stats.json"))).toThrow("expected a file there, found a directory");
  expect(() => checkWritable(join(folder.path, "file", "stats.json"))).toThrow(RuntimeError);
  checkWritable(join(folder.path, "file"));
});
