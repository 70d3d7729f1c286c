import { register } from "../../../config/registry";
import { getLogger } from "../../../core/logging";
import { StandardDatasetConfig } from "../../base/dataset-config";
import { checkSplitIDs } from "../split-ids";
import { downloadEmmiWing } from "./emmi-wing-download";
import { WingDataset } from "./wing-dataset";

/** Runs of the published subset. */
const RUNS = 248;
const VAL = [
  1, 39, 40, 50, 56, 71, 87, 107, 114, 143, 150, 166, 178, 179, 183, 194, 195, 206, 207, 212, 227, 231, 234, 245,
];
const TEST = [6, 7, 8, 22, 23, 26, 28, 35, 55, 57, 59, 62, 70, 108, 129, 139, 151, 154, 163, 173, 188, 189, 228, 244];

/** Runs of each split of the part of Emmi-Wing that is on Hugging Face, ascending: 200, 24 and 24 of 0 to 247. */
export function emmiWingHFSplitIDs(): { train: number[]; val: number[]; test: number[] } {
  const others = new Set([...VAL, ...TEST]);
  const train = Array.from({ length: RUNS }, (_, id) => id).filter((id) => !others.has(id));
  const splits = { train, val: [...VAL], test: [...TEST] };
  checkSplitIDs(splits, { train: 200, val: 24, test: 24 });
  return splits;
}

/**
 * The 248 wings of Emmi-Wing that are on Hugging Face (`EmmiAI/Emmi-Wing`), unpacked to `<root>/run_<id>`. Files and keys:
 * {@link WingDataset}.
 */
export class EmmiWingHFDataset extends WingDataset<StandardDatasetConfig> {
  static readonly schema = StandardDatasetConfig;

  /**
   * Fetches the runs from Hugging Face to `<localDir>/run_<id>`; a run of training does not. What is there is kept.
   *
   * @returns `localDir`, the `root` of the data set
   */
  static async download(localDir: string): Promise<string> {
    return downloadEmmiWing(localDir, RUNS);
  }

  /** @throws FileNotFoundError when there is no root */
  constructor(config: StandardDatasetConfig) {
    super(config, () => emmiWingHFSplitIDs()[config.split]);
    getLogger("EmmiWingHFDataset").info(
      `${RUNS} of the 29727 wings: results cannot be compared with those of the whole data set`,
    );
  }
}

register("noether.data.datasets.cfd.EmmiWingHFDataset", {
  class: EmmiWingHFDataset,
  aliases: [
    "noether.data.datasets.cfd.emmi_wing.EmmiWingHFDataset",
    "noether.data.datasets.cfd.emmi_wing.dataset.EmmiWingHFDataset",
  ],
});
