/** What travels between a pool and its threads. */
import type { NdArray } from "../../data";
import type { EncodedError } from "../../data/container/worker-errors";
import type { SharedTensor } from "../../torch";
import type { RequestResult, RequestTask } from "../requests/request";
import type { LoadRunOptions } from "../run/load-run";
import type { PredictedField } from "../predict/field-buffers";

/** How a thread begins: `workerData`. */
export interface ThreadSetup {
  readonly path: string;
  readonly options: LoadRunOptions;
  /** Weights of the first thread's model, which this one shares. */
  readonly weights: Readonly<Record<string, SharedTensor>>;
}

/** What one prediction needs. */
export interface PredictTask {
  readonly type: "predict";
  readonly inputs: Readonly<Record<string, NdArray>>;
  readonly options: { readonly chunkSize?: number; readonly seed?: number };
}

export type Task = PredictTask | RequestTask;
export type Result = Record<string, PredictedField> | RequestResult;

export interface NumberedTask {
  readonly id: number;
  readonly task: Task;
}

export type ToThread =
  /** Tasks that are computed together where they fit, with so many threads of each operator. */
  | { readonly type: "run"; readonly tasks: readonly NumberedTask[]; readonly operatorThreads: number }
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "close" };

export type FromThread =
  | { readonly type: "ready" }
  | { readonly type: "progress"; readonly id: number; readonly done: number; readonly total: number }
  | { readonly type: "result"; readonly id: number; readonly result: Result }
  | { readonly type: "error"; readonly id: number; readonly error: EncodedError }
  | { readonly type: "failed"; readonly error: EncodedError };
