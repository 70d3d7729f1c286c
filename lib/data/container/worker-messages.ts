import type { DatasetSource, PipelineSource } from "../factory/dataset-source";
import type { BatchTask } from "./load-batch";
import type { EncodedError } from "./worker-errors";

/** What a worker is started with. */
export interface WorkerSetup {
  /** Its number. */
  readonly worker: number;
  /** How many there are. */
  readonly count: number;
  /** Function that is called with the number before anything is loaded, `./init.ts#init`. */
  readonly init: string | null;
}

/** What a worker makes batches of, as plain data. */
export interface EncodedSource {
  readonly dataset: DatasetSource;
  /** Length of the data set where it was made first. */
  readonly length: number;
  /** The function that collates, by its file (`./collate.ts#pad`), or the pipeline of the data set. */
  readonly collate: string | PipelineSource;
}

/** To a worker. */
export type Request =
  | { readonly type: "source"; readonly source: number; readonly encoded: EncodedSource }
  | { readonly type: "load"; readonly id: number; readonly source: number; readonly task: BatchTask }
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "close" };

/** From a worker. */
export type Response =
  | { readonly type: "ready"; readonly source: number }
  | { readonly type: "batch"; readonly id: number; readonly batch: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: EncodedError }
  | { readonly type: "cancelled"; readonly id: number }
  | { readonly type: "warning"; readonly name: string; readonly message: string };
