import { ValueError } from "../../config/python-errors";
import { getLogger } from "../../core/logging";
import type { DatasetProtocol } from "../base/dataset";
import { DatasetWrapper } from "../wrappers/dataset-wrapper";

/** Samples that a message names. */
const NAMED = 5;

/** What is known of a data set of a run. */
interface Known {
  readonly key: string;
  /** Class and split of the data set below all wrappers. */
  readonly type: unknown;
  readonly split: unknown;
  /** Address of each sample and, where the sample tells it, the split it is of. */
  readonly uris: ReadonlyMap<string, unknown>;
}

/**
 * Checks the data sets of a run before it starts: each has samples, and no sample is in two splits. Samples are told apart by their
 * `sample_uri`; data sets that do not say where their samples come from are not compared.
 *
 * Samples of the same `split` (the data set's, or the sample's own where it tells) may be in two data sets: training data on which a
 * callback evaluates, a subset of the test data. Those of different splits may not; where the data sets have no splits, a part of the training data in another one is a warning.
 *
 * @param datasets of the run, in the order of its config
 * @param warn gets what is doubtful
 * @throws ValueError that names the data sets, and samples that they share
 */
export function checkSplits(
  datasets: ReadonlyMap<string, DatasetProtocol>,
  warn: (message: string) => void = (message) => getLogger("data").warning(message),
): void {
  for (const [key, dataset] of datasets) {
    if (dataset.length === 0)
      throw new ValueError(
        `expected samples in the data set "${key}" (${String(dataset)}), received an empty one: look at its root, its split and its dataset_wrappers`,
      );
  }
  const known = [...datasets].map(([key, dataset]) => describe(key, dataset));
  known.forEach((one, position) => {
    for (const other of known.slice(position + 1)) compare(one, other, warn);
  });
}

function describe(key: string, dataset: DatasetProtocol): Known {
  const base = dataset instanceof DatasetWrapper ? dataset.base : dataset;
  const { split = null } = base.config as { split?: unknown };
  return { key, type: base.constructor, split, uris: urisOf(dataset, split) };
}

function urisOf(dataset: DatasetProtocol, split: unknown): Map<string, unknown> {
  const uris = new Map<string, unknown>();
  for (let index = 0; index < dataset.length; index++) {
    const info = dataset.sampleInfo(index);
    if (info?.sample_uri === undefined) return new Map();
    uris.set(info.sample_uri, info["split"] ?? split);
  }
  return uris;
}

function compare(one: Known, other: Known, warn: (message: string) => void): void {
  if (one.type !== other.type) return;
  const common = [...one.uris.keys()].filter((uri) => other.uris.has(uri));
  if (common.length === 0) return;
  const more = common.length > NAMED ? ", …" : "";
  const shared = `${common.length} sample${common.length === 1 ? "" : "s"} (${common.slice(0, NAMED).join(", ")}${more})`;
  const isSame = common.every((uri) => one.uris.get(uri) === other.uris.get(uri));
  if (!isSame)
    throw new ValueError(
      `expected splits without common samples, but "${one.key}" (split ${JSON.stringify(one.split)}) and "${other.key}" (split ${JSON.stringify(other.split)}) share ${shared}`,
    );
  // the whole of one in the other is what someone wanted: a subset of the same data
  const isWhole = common.length === Math.min(one.uris.size, other.uris.size);
  if (one.split === null && (one.key === "train") !== (other.key === "train") && !isWhole)
    warn(
      `the data sets "${one.key}" and "${other.key}" share ${shared}: metrics of one are partly those of training data`,
    );
}
