import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync } from "node:fs";
import { native } from "./addon";
import { checkOptions, flag, type KindsOf } from "./arguments";
import { TorchError, guard } from "./errors";

/** What {@link Profiler} records. */
export interface ProfilerOptions {
  /** Operators on the CPU (default true). */
  readonly cpu?: boolean;
  /** Kernels and calls of CUDA (default false). */
  readonly cuda?: boolean;
  /** Shapes and dtypes of the operators' inputs (default false). */
  readonly recordShapes?: boolean;
  /** Memory that is allocated and freed (default false). */
  readonly profileMemory?: boolean;
  /** Floating-point operations of matrix products and convolutions (default false). */
  readonly withFlops?: boolean;
}

const OPTIONS = {
  cpu: flag,
  cuda: flag,
  recordShapes: flag,
  profileMemory: flag,
  withFlops: flag,
} satisfies KindsOf<ProfilerOptions>;

/** The one that records at the moment. */
let recording: Profiler | null = null;

/**
 * One recording of PyTorch's profiler: which operators and kernels ran, when and for how long, as a trace that `chrome://tracing`,
 * Perfetto and TensorBoard read. It records the thread that it is used in, with the backward passes of that thread; in a process there
 * is one at a time.
 *
 * ```ts
 * const profiler = new Profiler({ recordShapes: true });
 * profiler.start();
 * model.forward(x);
 * profiler.save("forward.pt.trace.json");
 * ```
 */
export class Profiler {
  #stage: "prepared" | "recording" | "ended" = "prepared";

  /**
   * Warms the profiler up.
   *
   * @throws TorchError when another one is active, also in another thread
   */
  constructor(options: ProfilerOptions = {}, ...surplus: never[]) {
    checkOptions("Profiler", options, OPTIONS, surplus);
    const { cpu = true, cuda = false, recordShapes = false, profileMemory = false, withFlops = false } = options;
    if (!cpu && !cuda) throw new TorchError("Profiler: expected cpu or cuda, got neither: there is nothing to record");
    guard("Profiler", () => native.profilerPrepare(cpu, cuda, recordShapes, profileMemory, withFlops));
  }

  /** Begins to record. */
  start(): void {
    this.#expect("prepared", "start");
    guard("Profiler.start", () => native.profilerStart());
    this.#stage = "recording";
    recording = this; // eslint-disable-line @typescript-eslint/no-this-alias -- ranges belong to the recording
  }

  /**
   * Ends the recording and writes it; the file appears when it is whole. If it cannot be opened, the recording goes on.
   *
   * @param path - ends in `.pt.trace.json` by custom
   */
  save(path: string): void {
    this.#expect("recording", "save");
    const unfinished = `${path}.unfinished`;
    closeSync(openSync(unfinished, "w")); // what cannot be written is an error here, for Kineto it is none
    this.#end();
    try {
      guard("Profiler.save", () => native.profilerSave(unfinished));
      if (!isWhole(unfinished))
        throw new TorchError(`Profiler.save: '${path}' could not be written in full: is the disk full?`);
      renameSync(unfinished, path);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
  }

  /** Ends the recording without a file. */
  cancel(): void {
    if (this.#stage === "ended") return;
    this.#end();
    native.profilerCancel();
  }

  #end(): void {
    this.#stage = "ended";
    if (recording === this) recording = null;
  }

  #expect(stage: "prepared" | "recording", method: string): void {
    if (this.#stage === stage) return;
    const state = { prepared: "has not started", recording: "has started", ended: "has ended" };
    throw new TorchError(
      `Profiler.${method}: expected a profiler that ${state[stage]}, got one that ${state[this.#stage]}`,
    );
  }
}

/** Whether a file ends as a JSON object does. */
function isWhole(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const end = Buffer.alloc(64);
    const read = readSync(file, end, 0, end.length, Math.max(0, fstatSync(file).size - end.length));
    return end.toString("utf8", 0, read).trimEnd().endsWith("}");
  } finally {
    closeSync(file);
  }
}

/** A named range of a recording. */
export interface ProfilerRange {
  /** Closes it, and ranges that were opened in it. */
  close(): void;
}

/** Opens a range that shows what ran in it, `torch.profiler.record_function`; it costs nothing while nothing is recorded. */
export function profilerRange(name: string): ProfilerRange {
  const owner = recording;
  if (owner === null) return { close: () => {} };
  const depth = native.profilerEnter(name);
  return {
    close: () => {
      if (recording === owner) native.profilerExit(depth);
    },
  };
}
