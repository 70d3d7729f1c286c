import { register } from "../../../config/registry";
import { StandardDatasetConfig } from "../../base/dataset-config";
import { checkSplitIDs } from "../split-ids";
import { DATASET_STATISTICS } from "../statistics";
import { ascending, CAEMLDataset, caemlOrder } from "./caeml";

/** Runs that the authors of the data set withhold. */
const HIDDEN_TEST = [167, 211, 218, 221, 248, 282, 291, 295, 316, 325, 329, 364, 370, 376, 403, 473];

/** Runs of each split of DrivAerML, ascending: 400, 34 and 50 of 1 to 500; the 16 of `hidden_test` are not published. */
export function drivAerMLSplitIDs(): { train: number[]; val: number[]; test: number[]; hidden_test: number[] } {
  const order = caemlOrder().filter((id) => !HIDDEN_TEST.includes(id));
  const splits = {
    train: ascending(order.slice(0, 400)),
    val: ascending(order.slice(450)),
    test: ascending(order.slice(400, 450)),
    hidden_test: [...HIDDEN_TEST],
  };
  checkSplitIDs(splits, { train: 400, val: 34, test: 50, hidden_test: 16 });
  return splits;
}

/** DrivAerML (Ashton et al. 2024): 484 variants of the DrivAer notchback. Files and keys: {@link CAEMLDataset}. */
export class DrivAerMLDataset extends CAEMLDataset {
  static readonly schema = StandardDatasetConfig;
  static override readonly statistics = DATASET_STATISTICS.DrivAerMLDataset;

  constructor(config: StandardDatasetConfig) {
    super(config, drivAerMLSplitIDs()[config.split]);
  }
}

register("noether.data.datasets.cfd.DrivAerMLDataset", {
  class: DrivAerMLDataset,
  aliases: [
    "noether.data.datasets.cfd.caeml.DrivAerMLDataset",
    "noether.data.datasets.cfd.caeml.drivaerml.DrivAerMLDataset",
    "noether.data.datasets.cfd.caeml.drivaerml.dataset.DrivAerMLDataset",
  ],
});
