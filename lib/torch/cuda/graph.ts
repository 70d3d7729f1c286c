/** CUDA graphs: `torch.cuda.CUDAGraph` and `torch.cuda.graph`. */
import { native } from "../addon";
import { checkArgument, callable, refuseSurplus } from "../arguments";
import { asTorchError, guard, TorchError } from "../errors";
import type { Generator } from "../generator";
import { scope } from "../scope";
import { graphWork } from "./graph-work";

/**
 * Which calls of CUDA are refused while a graph is recorded: unsafe ones of every thread, of the recording thread, or none.
 * Other threads that load data and pin memory go on with `"thread_local"`.
 */
export type CaptureErrorMode = "global" | "thread_local" | "relaxed";

/** Options of {@link CUDAGraph.captureBegin} and {@link graph}. */
export interface CaptureOptions {
  /** Memory that graphs share which run one after another in the order of their recording: {@link graphPoolHandle}, or {@link CUDAGraph.pool}. */
  readonly pool?: number;
  /** Default: `"global"`. */
  readonly captureErrorMode?: CaptureErrorMode;
}

/** Graphs whose object nobody holds any more. */
const dropped = new FinalizationRegistry<number>((id) => destroy(id));

/**
 * Work on a GPU that was recorded once and is launched again as one: `torch.cuda.CUDAGraph`.
 *
 * What the graph reads and writes stays where it was: fill its inputs in place before {@link replay}, read its outputs after
 * it. Random numbers go on from replay to replay. While a graph is recorded nothing runs, and nothing may be read from the device.
 *
 * @example
 * const recorded = new cuda.CUDAGraph();
 * const y = cuda.graph(recorded, () => x.mul(2));
 * x.fill_(3);
 * recorded.replay(); // y is 6
 */
export class CUDAGraph {
  #id: number | null = null;
  #pool: number | null = null;
  readonly #generators: Generator[] = [];

  /** Also lets the random numbers of a generator of its own go on from replay to replay; the default one always does. */
  registerGeneratorState(generator: Generator): void {
    this.#generators.push(generator);
    if (this.#id !== null) callGraph("register_generator", this.#id, generator.id);
  }

  /** Starts to record, on a stream of its own. {@link graph} also ends it. */
  captureBegin(options: CaptureOptions = {}, ...surplus: never[]): void {
    refuseSurplus("CUDAGraph.captureBegin", surplus);
    callGraph("begin", this.#open(options.pool), options.captureErrorMode ?? "global");
  }

  /** Ends the recording. */
  captureEnd(): void {
    callGraph("end", this.#recorded("captureEnd"));
  }

  /** Gives a recording up: nothing of it stays, and libtorch is as before it. */
  captureAbort(): void {
    if (this.#id === null) return;
    callGraph("abort", this.#id);
    this.reset();
  }

  /** Runs a function on the stream on which the graph will be recorded, without recording. */
  warmUp<T>(body: () => T, options: CaptureOptions = {}): T {
    const id = this.#open(options.pool);
    callGraph("enter", id);
    try {
      return body();
    } finally {
      callGraph("leave", id);
    }
  }

  /** Launches what was recorded on the current stream, and does not wait for it. */
  replay(): void {
    callGraph("replay", this.#recorded("replay"));
  }

  /** Frees the graph and its memory; tensors that it has made keep theirs. */
  reset(): void {
    if (this.#id === null) return;
    dropped.unregister(this);
    destroy(this.#id);
    this.#id = null;
  }

  /** The graph's memory, for graphs that share it. */
  pool(): number {
    this.#recorded("pool");
    return this.#pool!;
  }

  #open(pool: number | undefined): number {
    if (this.#id !== null) return this.#id;
    this.#pool = pool ?? graphPoolHandle();
    this.#id = callGraph("create", this.#pool) as number;
    dropped.register(this, this.#id, this);
    for (const { id } of this.#generators) callGraph("register_generator", this.#id, id);
    return this.#id;
  }

  #recorded(method: string): number {
    if (this.#id === null)
      throw new TorchError(`CUDAGraph.${method}: expected a graph that was recorded, got one without`);
    return this.#id;
  }
}

/** Why CUDA graphs cannot be recorded here; null where they can. */
export function graphsUnavailableReason(): string | null {
  const status = native.cudaKernels();
  return status.available ? null : `the addon has no library of CUDA code: ${status.problem.split("\n")[0]!}`;
}

/** A pool of memory that several graphs may share: `torch.cuda.graph_pool_handle`. */
export function graphPoolHandle(): number {
  return callGraph("pool") as number;
}

/**
 * Records what a synchronous function does on the GPU, as `with torch.cuda.graph(g):` does. The result's tensors are those
 * that every replay writes; they hold nothing before the first.
 *
 * Where the function throws, or does what cannot be recorded, the recording is given up and the error thrown on.
 */
export function graph<T>(recorded: CUDAGraph, body: () => T, options: CaptureOptions = {}, ...surplus: never[]): T {
  checkArgument("cuda.graph", "body", body, callable);
  refuseSurplus("cuda.graph", surplus);
  recorded.captureBegin(options);
  let result: T;
  try {
    result = scope(body);
  } catch (error) {
    recorded.captureAbort();
    throw error;
  }
  try {
    recorded.captureEnd();
  } catch (error) {
    recorded.reset();
    throw error;
  }
  return result;
}

type GraphOperator =
  "pool" | "create" | "register_generator" | "enter" | "leave" | "begin" | "end" | "abort" | "replay" | "destroy";

const operators = new Map<GraphOperator, number>();

/** Calls a function of the library of CUDA code (`native/src/cuda/graph.cpp`). */
function callGraph(name: GraphOperator, ...args: unknown[]): unknown {
  graphWork.count += 1;
  return guard(`CUDAGraph.${name}`, () => {
    let operator = operators.get(name);
    if (operator === undefined) operators.set(name, (operator = operatorOf(name)));
    return native.call(operator, ...args);
  });
}

function operatorOf(name: GraphOperator): number {
  try {
    return native.operator(`noether::cuda_graph_${name}`, "");
  } catch (error) {
    throw new TorchError(`CUDA graphs cannot be recorded: ${graphsUnavailableReason() ?? name}`, {
      code: "ERR_NOT_SUPPORTED",
      cause: asTorchError(error),
    });
  }
}

function destroy(id: number): void {
  callGraph("destroy", id);
}
