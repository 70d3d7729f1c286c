import { readFileSync } from "node:fs";
import { DATASET_STATISTICS, FieldNormalizer, PositionNormalizer, type Statistics } from "../../../lib/data";
import { goldenPath } from "../../support/golden";
import { tensor } from "../../../lib/torch";
import { values } from "../support";

/** Statistics that release 2026.4 of the Python framework ships. */
const { stats } = JSON.parse(readFileSync(goldenPath("2026.4", "statistics.json"), "utf8")) as {
  stats: Record<string, Statistics>;
};
const shipped: Readonly<Record<string, Statistics>> = DATASET_STATISTICS;

test.each(Object.entries(stats))("%s: the numbers of the Python framework", (name, expected) => {
  // those of the Hugging Face form are the same file
  expect(shipped[name.replace("EmmiWingHF", "EmmiWing")]).toEqual(expected);
});

test.each([
  // (3.5 − mean) / std and 1000 · (x − min) / (max − min), in double precision
  ["AhmedMLDataset", "volume_pressure", 3.5, (3.5 - 0.812013) / 0.367992],
  ["DrivAerMLDataset", "volume_pressure", 3.5, (3.5 - 0.171387) / 0.500826],
  ["ShapeNetCarDataset", "volume_sdf", 3.5, (3.5 - 0.374222) / 0.178948],
] as const)("%s: %s is normalized by them", (name, key, value, expected) => {
  const normalizer = new FieldNormalizer({}, key, { statistics: shipped[name]! });
  expect((values(normalizer.apply(tensor([[value]]))) as number[][])[0]![0]).toBeCloseTo(expected, 4);
});

test("DrivAerNet++: the box ends before the wake, which is an error until the config gives a larger one", () => {
  const wake = () => tensor([[32, 0, 0]]);
  const normalizer = new FieldNormalizer({ strategy: "position" }, "volume_position", {
    statistics: DATASET_STATISTICS.DrivAerNetDataset,
  });
  expect(() => normalizer.apply(wake())).toThrow('positions of "volume_position" between raw_pos_min and raw_pos_max');
  const whole = new PositionNormalizer({ raw_pos_min: [-12.01], raw_pos_max: [32.01] }, "volume_position");
  expect((values(whole.apply(wake())) as number[][])[0]![0]).toBeCloseTo((1000 * 44.01) / 44.02, 2);
});
