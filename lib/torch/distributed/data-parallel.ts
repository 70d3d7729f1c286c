import { Module } from "../nn/module";
import { Tensor } from "../tensor";
import { GradientReducer, type GradientReducerOptions } from "./gradient-reducer";

/**
 * A module that is the same in all processes of a group: each sees other data, gradients are averaged. PyTorch's
 * `nn.parallel.DistributedDataParallel`, with which it can be mixed: `await DistributedDataParallel.create(module)`.
 *
 * Its state dict has PyTorch's keys, `module.…`; save that of {@link module}.
 */
export class DistributedDataParallel<M extends Module = Module> extends Module {
  readonly module: M;
  readonly #reducer: GradientReducer;

  private constructor(module: M, reducer: GradientReducer) {
    super();
    this.module = module;
    this.#reducer = reducer;
  }

  /** All processes of the group have to call it. @throws DistributedError where the module differs */
  static async create<M extends Module>(
    module: M,
    options: GradientReducerOptions = {},
  ): Promise<DistributedDataParallel<M>> {
    return new DistributedDataParallel(module, await GradientReducer.create(module, options));
  }

  override forward(...inputs: Parameters<M["forward"]>): ReturnType<M["forward"]> {
    this.#reducer.beforeForward();
    const output = this.module.forward(...inputs) as ReturnType<M["forward"]>;
    this.#reducer.beforeBackward([...tensorsIn(output)]);
    return output;
  }

  /**
   * Adds gradients without averaging them, for all but the last pass of an update. Forward and backward pass both belong into `body`.
   */
  noSync<T>(body: () => T): T {
    return this.#reducer.noSync(body);
  }

  /** After a backward pass: an error where not all gradients are averages. Otherwise the next forward pass says it. */
  checkGradients(): void {
    this.#reducer.afterBackward();
  }

  /** Takes the hooks away: backward passes are those of one process again. */
  close(): void {
    this.#reducer.close();
  }
}

function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value;
  else if (Array.isArray(value)) for (const each of value) yield* tensorsIn(each);
  else if (value instanceof Map) for (const each of value.values()) yield* tensorsIn(each);
  else if (typeof value === "object" && value !== null) for (const each of Object.values(value)) yield* tensorsIn(each);
}
