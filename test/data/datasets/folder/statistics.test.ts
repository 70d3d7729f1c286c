import { computeStatistics, constantChannels } from "../../../../lib/data/datasets/folder/statistics";
import { open, square, temporaryFolder, writeCases } from "./support";

const root = temporaryFolder();
beforeAll(() =>
  writeCases(root, {
    a: { "s.vtp": square({ points: { p: Float32Array.of(1, 2, 3, 4) } }) },
    b: { "s.vtp": square({ points: { p: Float32Array.of(5, 6, 7, 12) } }) },
  }),
);

test("over all points of all samples", async () => {
  const dataset = open(root, { surface: { file: "s.vtp", position: "points", pressure: "p" } });
  const statistics = await computeStatistics(dataset, new Map([["surface_pressure", { logscale: false }]]));
  // NumPy: [1, 2, 3, 4, 5, 6, 7, 12].std(ddof=1) = 3.4641016151377544
  expect(statistics.get("surface_pressure")).toEqual({
    mean: [5],
    std: [expect.closeTo(3.4641016151377544, 12)],
    min: [1],
    max: [12],
  });
});

const range = (min: number[], max: number[]) => constantChannels({ mean: min, std: min, min, max });

test.each<[string, number[], number[], number[]]>([
  ["equal values", [0.1], [0.1], [0]],
  ["zero", [0], [0], [0]],
  ["the rounding of float32", [101325], [101325.005], [0]],
  ["a small field that varies", [1e-9], [3e-9], []],
  ["noise beside a large channel", [20, -1e-13], [30, 1e-13], [1]],
  ["a small condition beside a large one", [1e5, 1e-5], [2e5, 3e-5], []],
])("constant channels: %s", (_, min, max, expected) => expect(range(min, max)).toEqual(expected));
