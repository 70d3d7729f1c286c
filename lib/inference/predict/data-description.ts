import type { Collator, ComposePreProcess } from "../../data";

/** How samples of a run are scaled and become batches. */
export interface DataDescription {
  /** Key of the data set; null: there was none. */
  readonly dataset: string | null;
  readonly pipeline: Collator;
  readonly normalizers: ReadonlyMap<string, ComposePreProcess>;
  /** Keys of the samples that the pipeline gets; null: not known. */
  readonly sampleKeys: readonly string[] | null;
  /** The normalizer that the values of a sample key pass. */
  readonly normalizerOf: (key: string) => ComposePreProcess | null;
}
