import { register } from "../../../config/registry";
import { StandardDatasetConfig } from "../../base/dataset-config";
import { checkSplitIDs } from "../split-ids";
import { DATASET_STATISTICS } from "../statistics";
import { ascending, CAEMLDataset, caemlOrder } from "./caeml";

/** Runs of each split of AhmedML, ascending: 400, 50 and 50 of 1 to 500. */
export function ahmedMLSplitIDs(): { train: number[]; val: number[]; test: number[] } {
  const order = caemlOrder();
  const splits = {
    train: ascending(order.slice(0, 400)),
    val: ascending(order.slice(400, 450)),
    test: ascending(order.slice(450)),
  };
  checkSplitIDs(splits, { train: 400, val: 50, test: 50 });
  return splits;
}

/** AhmedML (Ashton et al. 2024): 500 variants of the Ahmed body. Files and keys: {@link CAEMLDataset}. */
export class AhmedMLDataset extends CAEMLDataset {
  static readonly schema = StandardDatasetConfig;
  static override readonly statistics = DATASET_STATISTICS.AhmedMLDataset;

  constructor(config: StandardDatasetConfig) {
    super(config, ahmedMLSplitIDs()[config.split]);
  }
}

register("noether.data.datasets.cfd.AhmedMLDataset", {
  class: AhmedMLDataset,
  aliases: [
    "noether.data.datasets.cfd.caeml.AhmedMLDataset",
    "noether.data.datasets.cfd.caeml.ahmedml.AhmedMLDataset",
    "noether.data.datasets.cfd.caeml.ahmedml.dataset.AhmedMLDataset",
  ],
});
