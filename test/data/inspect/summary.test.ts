import { FieldMap, Mesh } from "../../../lib/data/readers";
import { summariseFields, summariseMesh } from "../../../lib/data/inspect/summary";

const triangle = (points: number[], fields: FieldMap): Mesh =>
  new Mesh({
    points: Float64Array.from(points),
    cells: { connectivity: Int32Array.of(0, 1, 2), offsets: Int32Array.of(0, 3), types: Uint8Array.of(5) },
    pointData: fields,
  });

test("range and mean are those of the finite values, the others are counted", () => {
  const values = Float32Array.of(1, NaN, 3, Infinity, -Infinity, 8);
  const [summary] = summariseFields(new FieldMap([["p", { values, shape: [6] }]]));
  expect(summary).toEqual({
    name: "p",
    dtype: "float32",
    shape: [6],
    min: 1,
    max: 8,
    mean: 4,
    nan: 1,
    infinite: 2,
  });
});

test("a field without finite values has no range", () => {
  const [summary] = summariseFields(new FieldMap([["p", { values: Float32Array.of(NaN), shape: [1] }]]));
  expect(summary).toMatchObject({ min: null, max: null, mean: null, nan: 1 });
});

test("vectors have a range for each component", () => {
  const values = Float64Array.of(1, -2, 30, 3, -4, 50);
  const [summary] = summariseFields(new FieldMap([["U", { values, shape: [2, 3] }]]));
  expect(summary).toMatchObject({ min: -4, max: 50, mean: 13 });
  expect(summary!.components).toEqual([
    { min: 1, max: 3, mean: 2 },
    { min: -4, max: -2, mean: -3 },
    { min: 30, max: 50, mean: 40 },
  ]);
});

test("integers of 64 bits, texts and units", () => {
  const fields = new FieldMap([["id", { values: BigInt64Array.of(-3n, 5n), shape: [2] }]]);
  fields.texts.set("name", ["a", "b", "c", "d"]);
  fields.units.set("id", "1");
  const [id, name] = summariseFields(fields);
  expect(id).toMatchObject({ dtype: "int64", min: -3, max: 5, mean: 1, unit: "1" });
  expect(name).toMatchObject({ dtype: "text", shape: [4], texts: ["a", "b", "c"] });
});

test("cells by kind, bounds, and blocks inside", () => {
  const mesh = triangle([0, 0, 0, 2, 0, 0, 0, 3, NaN], new FieldMap());
  const summary = summariseMesh(new Mesh({ blocks: new Map([["wing", mesh]]) }));
  expect(summary).toMatchObject({ points: 0, bounds: null, dimension: 0 });
  expect(summary.blocks.wing).toMatchObject({
    points: 3,
    cells: 1,
    cellKinds: { triangle: 1 },
    dimension: 2,
    bounds: { min: [0, 0, 0], max: [2, 3, 0] },
    badCoordinates: 1,
  });
});
