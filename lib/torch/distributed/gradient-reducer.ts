/** Averages gradients over the processes of a group, while the backward pass still runs: c10d's reducer, that of PyTorch's DDP. */
import { native } from "../addon";
import { isGradEnabled } from "../autograd";
import type { Module } from "../nn/module";
import type { NativeDistributed } from "../native";
import type { Tensor } from "../tensor";
import { DistributedError } from "./errors";
import { defaultGroup, type ProcessGroup } from "./process-group";

/** Options of {@link GradientReducer.create}, with PyTorch's meaning and defaults. */
export interface GradientReducerOptions {
  readonly group?: ProcessGroup;
  /** MiB of gradients that travel together. Default 25, and 1 for those that are ready last. */
  readonly bucketCapMb?: number;
  /** Parameters may have no part in a loss: looks for them in every backward pass. Default false: such a pass is an error. */
  readonly findUnusedParameters?: boolean;
  /** Every update uses the same parameters, some perhaps never: they are found once. Default false. */
  readonly staticGraph?: boolean;
  /** Gradients are views of what travels: one copy less in memory. Default false. */
  readonly gradientAsBucketView?: boolean;
  /** Every forward pass starts with the buffers of the first process. Default true. */
  readonly broadcastBuffers?: boolean;
}

const BROADCAST_BYTES = 250 * 2 ** 20;
const FIRST_BUCKET_BYTES = 2 ** 20;

/**
 * Keeps a module equal in all processes of a group: its values come from the first one, and every backward pass averages the gradients.
 *
 * Around each update: {@link beforeForward}, forward pass, {@link beforeBackward}, backward pass, {@link afterBackward}.
 */
export class GradientReducer {
  readonly group: ProcessGroup;
  readonly #module: Module;
  /** Null: no parameter is trained. */
  readonly #handle: NativeDistributed | null;
  readonly #options: Required<Omit<GradientReducerOptions, "group">>;
  #syncs = true;
  /** Buffers follow those of the first process, except after a pass without exchange. */
  #syncsBuffers = true;
  #learnsGraph: boolean;

  private constructor(
    module: Module,
    group: ProcessGroup,
    handle: NativeDistributed | null,
    options: Required<Omit<GradientReducerOptions, "group">>,
  ) {
    this.#module = module;
    this.group = group;
    this.#handle = handle;
    this.#options = options;
    this.#learnsGraph = options.staticGraph;
  }

  /**
   * Compares the shapes of the parameters, gives all processes the values of the first one, and hooks into the parameters that are trained.
   *
   * @throws DistributedError where the module differs
   */
  static async create(module: Module, options: GradientReducerOptions = {}): Promise<GradientReducer> {
    const { group = defaultGroup("DistributedDataParallel"), bucketCapMb } = options;
    const {
      findUnusedParameters = false,
      staticGraph = false,
      gradientAsBucketView = false,
      broadcastBuffers = true,
    } = options;
    const trained = module.namedParameters().filter(([, parameter]) => parameter.requiresGrad);
    const bytes = Math.floor((bucketCapMb ?? 25) * 2 ** 20);
    const handle =
      trained.length === 0
        ? null
        : await group.run("DistributedDataParallel", (native_) =>
            native.reducer(
              native_,
              trained.map(([, parameter]) => parameter.handle),
              trained.map(([name]) => name),
              bytes,
              bucketCapMb === undefined ? FIRST_BUCKET_BYTES : bytes,
              findUnusedParameters,
              staticGraph,
              gradientAsBucketView,
            ),
          );
    const state: Tensor[] = [...module.parameters(), ...module.buffers()];
    if (state.length > 0) {
      await group.run("DistributedDataParallel", async (native_) =>
        native.groupBroadcastCoalesced(
          native_,
          state.map((each) => each.handle),
          BROADCAST_BYTES,
          0,
          false,
        ),
      );
    }
    const all = {
      bucketCapMb: bucketCapMb ?? 25,
      findUnusedParameters,
      staticGraph,
      gradientAsBucketView,
      broadcastBuffers,
    };
    return new GradientReducer(module, group, handle, all);
  }

  /** Before the forward pass, in every process. */
  beforeForward(): void {
    const handle = this.#handle;
    if (isGradEnabled() && handle !== null) this.group.runNow("forward", () => native.reducerBeforeForward(handle));
    this.#broadcastBuffers();
  }

  #broadcastBuffers(): void {
    if (!this.#options.broadcastBuffers || !this.#syncsBuffers) return;
    const buffers = this.#module.buffers();
    if (buffers.length === 0) return;
    const handles = buffers.map((buffer) => buffer.handle);
    this.group.runNow("broadcast of the buffers", (group) =>
      native.groupBroadcastCoalesced(group, handles, BROADCAST_BYTES, 0, true),
    );
  }

  /** Between forward and backward pass. @param outputs what the backward pass will start from */
  beforeBackward(outputs: readonly Tensor[]): void {
    this.#syncsBuffers = isGradEnabled() && this.#syncs;
    if (this.#handle === null || !this.#syncsBuffers) return;
    const { findUnusedParameters, staticGraph } = this.#options;
    const handles = outputs.map((output) => output.handle);
    const searches = findUnusedParameters && !staticGraph;
    native.reducerBeforeBackward(this.#handle, handles, searches, this.#learnsGraph);
    this.#learnsGraph = false;
  }

  /**
   * After the backward pass.
   *
   * @throws DistributedError when parameters got no gradient, so that not all processes have the average
   */
  afterBackward(): void {
    if (this.#handle === null || !this.#syncs) return;
    const handle = this.#handle;
    this.group.runNow("backward", () => {
      try {
        native.reducerCheck(handle);
      } catch (error) {
        throw this.#describe(error);
      }
    });
  }

  /** Which parameters got no gradient, and what to do; any other error as it is. */
  #describe(error: unknown): unknown {
    const found = /did not receive grad for rank \d+: ([\d ]+)/.exec(error instanceof Error ? error.message : "");
    if (found === null) return error;
    const trained = this.#module.namedParameters().filter(([, parameter]) => parameter.requiresGrad);
    const names = found[1]!
      .trim()
      .split(" ")
      .map((index) => trained[Number(index)]?.[0] ?? index);
    const { rank, size: worldSize } = this.group;
    return new DistributedError(
      `rank ${rank} of ${worldSize}: these parameters had no part in the loss, so that gradients are not those of all processes: ${names.join(", ")}. ` +
        "Freeze them, or look for them in every update: findUnusedParameters: true (in a config find_unused_params: true; static_graph: true where they are the same in every update)",
      { operation: "backward", rank, worldSize, cause: error },
    );
  }

  /** Backward passes that start while `body` runs add to the gradients of this process only: for all but the last pass of an update. */
  noSync<T>(body: () => T): T {
    const before = this.#syncs;
    this.#syncs = false;
    const end = (): void => {
      this.#syncs = before;
    };
    let result: T;
    try {
      result = body();
    } catch (error) {
      end();
      throw error;
    }
    if (result instanceof Promise) return result.finally(end) as T;
    end();
    return result;
  }

  /** Takes the hooks away. */
  close(): void {
    if (this.#handle !== null) native.reducerClose(this.#handle);
  }
}
