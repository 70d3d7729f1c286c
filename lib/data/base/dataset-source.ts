import type { SharedTensor, Tensor } from "../../torch";

/**
 * Where a data set comes from, so that a worker thread can make the same one: objects stay in the thread that made them.
 *
 * Plain data, fit for `postMessage`. A data set has one if it was made by `DatasetFactory` from a
 * config, by {@link datasetFromFile} or of tensors, and if all that was put around it since are wrappers of the framework.
 */
export type DatasetSource =
  | { readonly from: "config"; readonly config: unknown; readonly randomState: Uint8Array }
  | {
      readonly from: "file";
      readonly kind: string;
      readonly args: readonly unknown[];
      readonly randomState: Uint8Array;
    }
  | { readonly from: "tensors"; readonly tensors: readonly SharedTensor[] }
  | { readonly from: "subset"; readonly of: DatasetSource; readonly indices: readonly number[] }
  | { readonly from: "properties"; readonly of: DatasetSource; readonly properties: readonly string[] }
  | { readonly from: "timing"; readonly of: DatasetSource };

/** What the source of a data set is made with. */
export interface SourceParts {
  /** The source of a data set inside. */
  readonly of: (dataset: object) => DatasetSource;
  /** Shares a tensor with the thread that is told. */
  readonly share: (tensor: Tensor) => SharedTensor;
}

const classes = new Map<unknown, (dataset: never, parts: SourceParts) => DatasetSource>();

/** Says how a worker makes data sets of a class, but not those of its subclasses. */
export function describeSource<T extends object>(
  type: abstract new (...args: never[]) => T,
  describe: (dataset: T, parts: SourceParts) => DatasetSource,
): void {
  classes.set(type, describe);
}

/** What {@link describeSource} was told about a class. */
export function sourceOfClass(type: unknown): ((dataset: object, parts: SourceParts) => DatasetSource) | undefined {
  return classes.get(type) as ((dataset: object, parts: SourceParts) => DatasetSource) | undefined;
}
