import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Dataset,
  DATA_RECORD,
  DatasetBaseConfig,
  readDataRecord,
  SubsetWrapper,
  writeDataRecord,
} from "../../../lib/data";
import { tensor } from "../../../lib/torch";
import { temporaryFolder } from "../../support/small-run";

const folder = temporaryFolder();
afterAll(() => folder.remove());

class Wings extends Dataset {
  static override readonly statistics = { p_mean: [0.5], raw_pos_min: -1, p_std: [2] };
  constructor() {
    super(DatasetBaseConfig.create({ kind: "Wings" }));
    this.addGetter("p", () => tensor([1]), { normalize: true });
    this.addGetter("drag", () => tensor([1]), { normalize: "p" });
    this.addGetter("id", () => tensor([1]));
  }
  override get length(): number {
    return 3;
  }
}

test("which normalizer each sample key passes, and the statistics, also of wrapped data sets", () => {
  const wrapped = new SubsetWrapper({ kind: "SubsetWrapper", indices: [0] } as never, new Wings());
  writeDataRecord(
    folder.path,
    new Map([
      ["train", new Wings()],
      ["test", wrapped],
    ] as never),
    "/projects/wings",
  );
  const properties = { drag: "p", id: null, p: "p" };
  const expected = { properties, statistics: { p_mean: [0.5], raw_pos_min: -1, p_std: [2] } };
  expect(readDataRecord(folder.path)).toEqual({
    project: "/projects/wings",
    datasets: { train: expected, test: expected },
  });
});

test("a folder without a record has none, and a damaged one is an error that names the file", () => {
  expect(readDataRecord(join(folder.path, "elsewhere"))).toBeNull();
  writeFileSync(join(folder.path, DATA_RECORD), "datasets: 3\n");
  expect(() => readDataRecord(folder.path)).toThrow(/data_record\.yaml.*datasets/);
});
