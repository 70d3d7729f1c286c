import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AeroStatsSchema } from "../../../lib/data/stats/aero-stats";
import { readStatistics } from "../../../lib/data";
import { FileNotFoundError, ValueError } from "../../../lib/config/python-errors";
import { temporaryFolder } from "../../support/small-run";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

function read(name: string, text: string) {
  const file = join(folder.path, name);
  writeFileSync(file, text);
  return readStatistics(file);
}

describe("readStatistics", () => {
  test("the files of release 2026.4: numbers and lists by name; a truth value is 1 or 0", () => {
    const text = '{"p_mean": [0.5], "p_std": [2.0], "p_min": -1.5, "p_count": 3, "p_log_scale": true}';
    expect(read("stats.json", text)).toEqual({ p_mean: [0.5], p_std: [2], p_min: -1.5, p_count: 3, p_log_scale: 1 });
  });
  test("the files of release 1.1: one mapping a field", () => {
    const text =
      '{"p": {"mean": [0.5, 1], "std": [2, 3], "min": [0, 0], "max": [1, 1], "count": 3, "log_scale": false}}';
    expect(read("stats.json", text)).toEqual({
      p_mean: [0.5, 1],
      p_std: [2, 3],
      p_min: [0, 0],
      p_max: [1, 1],
      p_count: 3,
      p_log_scale: 0,
    });
  });
  test("blocks of configs of release 1.1: exponents without a sign, commas at the end", () => {
    const text = "raw_pos_min: [-4.0]\nvolume_vorticity_logscale_std: [1.11017e00, 1.96530e0, .5,]\nvolume_vorticity_magnitude_mean: 3.79027e+4\n"; // prettier-ignore
    const statistics = read("stats.yaml", text);
    expect(statistics).toEqual({
      raw_pos_min: [-4],
      volume_vorticity_logscale_std: [1.11017, 1.9653, 0.5],
      volume_vorticity_magnitude_mean: 37902.7,
    });
    expect(AeroStatsSchema.create(statistics as never)).toMatchObject(statistics);
  });
  test.each([
    ["p_mean: high", /a number or a list of numbers for "p_mean"/],
    ["p_mean: []", /"p_mean"/],
    ["p_mean: [1, null]", /"p_mean"/],
    ["p: { mean: { x: 1 } }", /"p_mean"/],
    ["- 1", /expected a mapping of statistics/],
  ])("%s is refused", (text, problem) => {
    expect(() => read("stats.yaml", text)).toThrow(ValueError);
    expect(() => read("stats.yaml", text)).toThrow(problem);
  });
  test("a file that is not there", () => {
    expect(() => readStatistics(join(folder.path, "none.yaml"))).toThrow(FileNotFoundError);
  });
});
