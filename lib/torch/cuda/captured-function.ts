/** Functions whose work on the GPU is recorded once per shape of their input, and replayed. */
import { native } from "../addon";
import { noGrad } from "../autograd";
import { TorchError } from "../errors";
import { _foreachCopy_ } from "../operators.generated";
import { keep, scope } from "../scope";
import { Tensor } from "../tensor";
import { CUDAGraph, graph, graphPoolHandle } from "./graph";
import { mapTensors, tensorsIn } from "../map-tensors";

/** Records and replays work: what {@link CUDAGraph} does; tests put something else in its place. */
export interface Recorder {
  /** Runs a function as it will be recorded, without recording. */
  warmUp<T>(body: () => T): T;
  /** Records a function; nothing of its work has happened afterwards. */
  record<T>(body: () => T): T;
  replay(): void;
  reset(): void;
}

/** Options of {@link CapturedFunction}. */
export interface CapturedFunctionOptions {
  /** Calls with inputs of one shape that run as they are before one is recorded (default 1): libraries choose kernels in them, and optimizers make their state. */
  readonly warmUp?: number;
  /** Most shapes of inputs that are recorded (default 8); further ones run as they are. */
  readonly maxShapes?: number;
  /** Told once when nothing is recorded any more, with the reason in words. */
  readonly onFallBack?: (reason: string) => void;
  /** Makes what records (default: CUDA graphs that share their memory). */
  readonly recorder?: () => Recorder;
}

/** One shape of inputs. */
interface Entry<I, O> {
  calls: number;
  recorded: { recorder: Recorder; inputs: I; tensors: Tensor[]; outputs: O } | null;
}

/** Shapes that are counted before it is given up to see one again. */
const MANY_SHAPES = 256;

/**
 * A synchronous function that runs as it is until its input has a shape for the second time, is then recorded as a CUDA graph,
 * and replayed from the third time on.
 *
 * Inputs are plain objects, arrays and tensors; numbers, strings, booleans and null in them count as part of the shape. The
 * tensors of a result belong to the graph: the next call with the same shape writes them.
 *
 * A function that cannot be recorded runs as it is, and {@link fallBack} says why: results are the same either way.
 */
export class CapturedFunction<I, O> {
  readonly #run: (inputs: I) => O;
  readonly #options: Required<Omit<CapturedFunctionOptions, "onFallBack" | "recorder">>;
  readonly #onFallBack: (reason: string) => void;
  readonly #recorder: () => Recorder;
  readonly #entries = new Map<string, Entry<I, O>>();
  #shapes = 0;
  #fallBack: string | null = null;

  constructor(run: (inputs: I) => O, options: CapturedFunctionOptions = {}) {
    this.#run = run;
    this.#options = { warmUp: options.warmUp ?? 1, maxShapes: options.maxShapes ?? 8 };
    this.#onFallBack = options.onFallBack ?? (() => undefined);
    this.#recorder = options.recorder ?? graphRecorders();
  }

  /** Why nothing is recorded any more; null while it is. */
  get fallBack(): string | null {
    return this.#fallBack;
  }

  /** Whether the next call with these inputs replays or records. */
  isReady(inputs: I): boolean {
    return this.#fallBack === null && (this.#entries.get(shapeOf(inputs))?.calls ?? 0) >= this.#options.warmUp;
  }

  /** Runs, records or replays. */
  call(inputs: I): O {
    if (this.#fallBack !== null) return this.#run(inputs);
    const entry = this.#entryOf(inputs);
    if (entry === null) return this.#run(inputs);
    if (entry.recorded !== null) {
      copyInto(entry.recorded.tensors, tensorsIn(inputs));
    } else if (entry.calls++ < this.#options.warmUp) {
      return this.#warmUp(inputs);
    } else if (!this.#record(entry, inputs)) {
      return this.#run(inputs);
    }
    entry.recorded!.recorder.replay();
    return entry.recorded!.outputs;
  }

  /** Forgets what was recorded: the next calls run as they are, and are recorded anew. */
  reset(): void {
    for (const { recorded } of this.#entries.values()) {
      if (recorded === null) continue;
      for (const tensor of [...recorded.tensors, ...tensorsIn(recorded.outputs)]) tensor.dispose();
      recorded.recorder.reset();
    }
    this.#entries.clear();
    this.#shapes = 0;
  }

  /** Forgets what was recorded and records no more. */
  giveUp(reason: string): void {
    if (this.#fallBack !== null) return;
    this.#fallBack = reason;
    this.reset();
    this.#onFallBack(reason);
  }

  #entryOf(inputs: I): Entry<I, O> | null {
    const shape = shapeOf(inputs);
    const known = this.#entries.get(shape);
    if (known !== undefined) return known;
    if (this.#entries.size >= MANY_SHAPES && this.#shapes === 0) {
      this.giveUp(`each of the first ${MANY_SHAPES} inputs has a shape of its own`);
      return null;
    }
    if (this.#entries.size >= MANY_SHAPES) return null;
    const entry: Entry<I, O> = { calls: 0, recorded: null };
    this.#entries.set(shape, entry);
    return entry;
  }

  #warmUp(inputs: I): O {
    const recorder = this.#recorder();
    try {
      const outputs = recorder.warmUp(() => this.#run(inputs));
      if (isPromise(outputs)) this.giveUp("the function is asynchronous");
      return outputs;
    } finally {
      recorder.reset();
    }
  }

  #record(entry: Entry<I, O>, inputs: I): boolean {
    if (this.#shapes >= this.#options.maxShapes) {
      entry.calls = 0;
      return false;
    }
    const tensors: Tensor[] = [];
    const own = mapTensors(inputs, (tensor) => {
      const copy = keep(noGrad(() => tensor.detach().clone()));
      tensors.push(copy);
      return copy;
    });
    const recorder = this.#recorder();
    try {
      const outputs = recorder.record(() => {
        const result = this.#run(own);
        if (isPromise(result)) throw new TorchError("the function is asynchronous");
        return mapTensors(result, (tensor) => tensor.detach());
      });
      for (const tensor of tensorsIn(outputs)) keep(tensor);
      entry.recorded = { recorder, inputs: own, tensors, outputs };
      this.#shapes += 1;
      return true;
    } catch (error) {
      for (const tensor of tensors) tensor.dispose();
      recorder.reset();
      this.giveUp(`it cannot be recorded: ${firstLine(error)}`);
      return false;
    }
  }
}

/** CUDA graphs that share one pool of memory: they run one after another. */
export function graphRecorders(): () => Recorder {
  let pool: number | null = null;
  return () => {
    const recorded = new CUDAGraph();
    pool ??= graphPoolHandle();
    const options = { pool, captureErrorMode: "thread_local" } as const;
    return {
      warmUp: (body) => recorded.warmUp(body, options),
      record: (body) => graph(recorded, body, options),
      replay: () => recorded.replay(),
      reset: () => recorded.reset(),
    };
  };
}

/** Everything of an input that a recording depends on, as text. */
function shapeOf(value: unknown): string {
  if (value instanceof Tensor)
    return `${value.dtype}[${value.shape.join()}]@${value.device}${native.isContiguous(value.handle) ? "" : `/${value.stride().join()}`}`;
  if (Array.isArray(value)) return `(${value.map(shapeOf).join()})`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, entry]) => `${JSON.stringify(key)}:${shapeOf(entry)}`)
      .join()}}`;
  }
  return typeof value === "function" ? "function" : (JSON.stringify(value) ?? "undefined");
}

/** Where tensors lie, as text: a recording holds as long as that stays. */
export function storagesOf(tensors: readonly Tensor[]): string {
  return tensors.map((tensor) => native.storageId(tensor.handle)).join();
}

function copyInto(targets: readonly Tensor[], sources: readonly Tensor[]): void {
  if (targets.length > 0) noGrad(() => scope(() => _foreachCopy_(targets as Tensor[], sources as Tensor[])));
}

function isPromise(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null)?.then === "function";
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0]!;
}
