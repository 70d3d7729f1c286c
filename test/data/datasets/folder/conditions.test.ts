import { join } from "node:path";
import type { FolderDataset } from "../../../../lib/data";
import { scope } from "../../../../lib/torch";
import { failure, open, square, temporaryFolder, writeCases, writeText } from "./support";

const root = temporaryFolder();
const BASE = { cases: "data/*/", surface: { file: "surface.vtp", position: "points" } };
beforeAll(async () => {
  const mesh = (speed: number) => square({ whole: { speed: Float64Array.of(speed), flow: Float64Array.of(1, 2) } });
  await writeCases(join(root, "data"), { run_1: { "surface.vtp": mesh(10) }, run_02: { "surface.vtp": mesh(20) } });
  writeText(join(root, "table.csv"), "case,speed,angle\nrun_02,20,-2\nrun_1,10,3\n");
  writeText(join(root, "numbers.csv"), "run,speed\n2,20\n1,10\n");
  writeText(join(root, "half.csv"), "case,speed\nrun_1,10\n");
  writeText(join(root, "twice.csv"), "case,speed\nrun_1,10\nrun_1,11\nrun_02,20\n");
  writeText(join(root, "table.json"), '{"run_1": {"inflow": {"speed": 10}}, "run_02": {"inflow": {"speed": 20}}}');
  writeText(join(root, "nan.csv"), "case,speed\nrun_1,\nrun_02,20\n");
  for (const [name, speed] of [
    ["run_1", 10],
    ["run_02", 20],
  ] as const)
    writeText(join(root, "data", name, "inflow.yaml"), `inflow: { speed: ${speed}, direction: [1, 0, 0], name: a }\n`);
});

const condition = (config: object): FolderDataset => open(root, { ...BASE, conditions: { inflow: config } });
const values = async (config: object, index = 0): Promise<unknown> =>
  scope(async () => (await condition(config).getitem("inflow", index)).toArray());

test("a table with a row for each case", async () => {
  expect(await values({ table: "table.csv" })).toEqual([10, 3]);
  expect(await values({ table: "table.csv", field: ["angle", "speed"] }, 1)).toEqual([-2, 20]);
});
test("a column of numbers is the number at the end of the names", async () => {
  expect(await values({ table: "numbers.csv", case_column: "run", field: "speed" }, 1)).toEqual([20]);
  expect(await values({ table: "numbers.csv", case_column: "run" })).toEqual([10]);
});
test("a JSON table", async () => {
  expect(await values({ table: "table.json", field: "inflow.speed" }, 1)).toEqual([20]);
});
test("a YAML file in each case", async () => {
  expect(await values({ file: "inflow.yaml", field: ["inflow.direction", "inflow.speed"] }, 1)).toEqual([1, 0, 0, 20]);
  expect(await values({ file: "inflow.yaml" })).toEqual([10, 1, 0, 0]);
});
test("field data of a mesh", async () => {
  expect(await values({ file: "surface.vtp", field: ["speed", "flow"] }, 1)).toEqual([20, 1, 2]);
});
test("units and scale", async () => {
  const [speed, angle] = (await values({
    table: "table.csv",
    unit: ["km/h", "deg"],
    field: ["speed", "angle"],
  })) as number[];
  expect(speed).toBeCloseTo(10 / 3.6, 6);
  expect(angle).toBeCloseTo((3 * Math.PI) / 180, 6);
  expect(await values({ table: "table.csv", field: "speed", scale: 0.5 })).toEqual([5]);
});

test.each<[string, object, RegExp]>([
  [
    "a column that is not there",
    { table: "table.csv", field: "sped" },
    /inflow of the case "run_1".*no "sped".*did you mean "speed"/,
  ],
  ["a case without a row", { table: "half.csv" }, /no row of the case "run_02"; did you mean "run_1"/],
  ["a case with two rows", { table: "twice.csv" }, /one row for each case.*two of "run_1"/],
  ["an empty cell", { table: "nan.csv" }, /inflow of the case "run_1".*NaN/],
  ["no column of names", { table: "numbers.csv" }, /case_column/],
  ["a wrong column of names", { table: "table.csv", case_column: "cases" }, /no column "cases".*did you mean "case"/],
  ["a table that is not there", { table: "tabel.csv" }, /tabel\.csv; did you mean "table\.csv"/],
  ["a file that is not there", { file: "inflow.yml" }, /inflow\.yml; did you mean "inflow\.yaml"/],
  ["both table and file", { table: "table.csv", file: "inflow.yaml" }, /either table or file/],
  ["an unknown unit", { table: "table.csv", unit: "furlong" }, /unknown unit "furlong"/],
  [
    "units for another number of fields",
    { table: "table.csv", field: ["speed"], unit: ["m/s", "deg"] },
    /a unit for each/,
  ],
  ["a misspelt key", { table: "table.csv", fields: "speed" }, /did you mean "field"/],
])("refused: %s", async (_, config, message) =>
  expect(
    await failure(async () => {
      await values(config, 0);
      await values(config, 1);
    }),
  ).toMatch(message),
);
