import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { isAbsolute, join } from "node:path";
import { register } from "../../config/registry";
import { bool, type ConfigOf, int, isGiven, str, tag, type FieldType } from "../../config/schema";
import { CallBackBaseConfig } from "../../core/callbacks/base-config";
import { type CallbackDependencies, PeriodicCallback } from "../../core/callbacks";
import { isRank0 } from "../../core/distributed";
import { cuda, Profiler, profilerRange, type ProfilerRange } from "../../torch";

/** Config of {@link PyTorchProfilerCallback}. Its interval has no effect. */
export const PyTorchProfilerCallbackConfig = CallBackBaseConfig.extend("PyTorchProfilerCallbackConfig", {
  fields: {
    name: tag("PyTorchProfilerCallback"),
    /** Updates of a cycle that are left out. */
    wait: int({ ge: 0 }).default(1),
    /** Updates of a cycle with the profiler on whose times are dropped. */
    warmup: int({ ge: 0 }).default(1),
    /** Updates of a cycle that are recorded. */
    active: int({ ge: 1 }).default(3),
    /** Cycles, each with a file of its own; 0: to the end of training. */
    repeat: int({ ge: 0 }).default(1),
    /** Shapes and dtypes of the operators' inputs. */
    record_shapes: bool().default(true),
    /** Memory that is allocated and freed. */
    profile_memory: bool().default(false),
    /** Of Python's stack; has no effect. */
    with_stack: bool().default(false),
    /** Floating-point operations of matrix products and convolutions. */
    with_flops: bool().default(false),
    /** Of TorchScript's modules; has no effect. */
    with_modules: bool().default(true),
    /** Kernels on the GPU, where there is one. */
    profile_cuda: bool().default(true),
    /** Operators on the CPU. */
    profile_cpu: bool().default(true),
    /** In the first process of several only. */
    rank0_only: bool().default(true),
    /** Folder of the traces in the folder of the run. */
    trace_subdir: str().default("profiler"),
  },
  check: ({ trace_subdir, profile_cuda, profile_cpu }, complain) => {
    if (isAbsolute(trace_subdir) || trace_subdir.split(/[/\\]/).includes(".."))
      complain("expected a folder in that of the run", "trace_subdir");
    if (!profile_cuda && !profile_cpu) complain("expected profile_cpu or profile_cuda: there is nothing to record");
  },
});
export type PyTorchProfilerCallbackConfig = ConfigOf<typeof PyTorchProfilerCallbackConfig>;

/** What is done in an update. */
export type ProfilerAction = "none" | "warmup" | "record" | "record_and_save";

/** What is done in update `step` (from 0) of a schedule, as `torch.profiler.schedule` has it. */
export function profilerAction(
  step: number,
  { wait, warmup, active, repeat }: Pick<PyTorchProfilerCallbackConfig, "wait" | "warmup" | "active" | "repeat">,
): ProfilerAction {
  const cycle = wait + warmup + active;
  if (repeat > 0 && step >= repeat * cycle) return "none";
  const position = step % cycle;
  if (position < wait) return "none";
  if (position < wait + warmup) return "warmup";
  return position === cycle - 1 ? "record_and_save" : "record";
}

/**
 * Records the operators of some updates with PyTorch's profiler, in cycles of updates that are left out, that warm up and that are
 * recorded. Each cycle is a file `<run>/<trace_subdir>/<host>_<pid>.<nanoseconds>.pt.trace.json`, which `chrome://tracing`, Perfetto and
 * TensorBoard show. A cycle that training ends in is written, too.
 */
export class PyTorchProfilerCallback extends PeriodicCallback {
  static readonly schema: FieldType = PyTorchProfilerCallbackConfig;
  /** Of a run that failed: nothing ended its recording. */
  static #abandoned: Profiler | null = null;
  readonly #config: PyTorchProfilerCallbackConfig;
  #step = 0;
  #action: ProfilerAction = "none";
  #profiler: Profiler | null = null;
  #range: ProfilerRange | null = null;

  constructor(config: PyTorchProfilerCallbackConfig, dependencies: CallbackDependencies) {
    super(config, dependencies);
    this.#config = config;
  }

  get #isOn(): boolean {
    return isRank0() || !this.#config.rank0_only;
  }

  override beforeTraining(): void {
    if (!this.#isOn) return;
    const { with_stack, profile_cuda } = this.#config;
    if (with_stack) this.logger.warning("with_stack has no effect: there is no Python whose stack could be recorded");
    if (profile_cuda && !cuda.isAvailable() && isGiven(this.#config, "profile_cuda"))
      this.logger.warning("profile_cuda: there is no CUDA device, operators on the CPU are recorded only");
    PyTorchProfilerCallback.#abandoned?.cancel();
    this.#step = 0;
    this.#begin();
  }

  override trackAfterUpdateStep(): void {
    if (!this.#isOn) return;
    this.#end();
    this.#step += 1;
    this.#begin();
  }

  override afterTraining(): void {
    this.#range?.close();
    if (this.#action === "record" || this.#action === "record_and_save") this.#save();
    this.#profiler?.cancel();
    this.#forget();
    this.#action = "none";
  }

  #begin(): void {
    this.#action = profilerAction(this.#step, this.#config);
    if (this.#action === "none") return;
    const { record_shapes, profile_memory, with_flops, profile_cpu, profile_cuda } = this.#config;
    const isStarted = this.#range !== null;
    this.#profiler ??= new Profiler({
      cpu: profile_cpu || !cuda.isAvailable(),
      cuda: profile_cuda && cuda.isAvailable(),
      recordShapes: record_shapes,
      profileMemory: profile_memory,
      withFlops: with_flops,
    });
    PyTorchProfilerCallback.#abandoned = this.#profiler;
    if (this.#action === "warmup") return;
    if (!isStarted) this.#profiler.start();
    this.#range = profilerRange(`ProfilerStep#${this.#step}`);
  }

  #end(): void {
    this.#range?.close();
    if (this.#action === "record_and_save") this.#save();
  }

  #save(): void {
    const folder = join(this.trainer.pathProvider.runOutputPath, this.#config.trace_subdir);
    mkdirSync(folder, { recursive: true });
    const nanoseconds = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
    const file = join(folder, `${hostname()}_${process.pid}.${nanoseconds}.pt.trace.json`);
    this.#profiler?.save(file);
    this.#forget();
    this.logger.info(`wrote the trace of updates up to ${this.#step + 1} to ${file}`);
  }

  #forget(): void {
    PyTorchProfilerCallback.#abandoned = null;
    this.#profiler = null;
    this.#range = null;
  }
}

register("noether.training.callbacks.profiler.PyTorchProfilerCallback", {
  class: PyTorchProfilerCallback,
  // the last is what the config says by default in the Python framework
  aliases: ["noether.training.callbacks.PyTorchProfilerCallback", "aero_cfd.callbacks.PyTorchProfilerCallback"],
});
