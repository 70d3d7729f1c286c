import { distributed, keep, noGrad, optim, scope, Tensor, zeros, type DType } from "../../torch";
import { NotImplementedError } from "../../config/python-errors";

/** A value of a parameter's state, as the other processes learn of it. */
type Entry = [index: number, key: string, shape: number[] | null, dtypeOrValue: unknown];

/**
 * The state of an optimizer, spread over the processes: ZeRO stage 1 (Rajbhandari et al., 2020). Each process steps its share of the
 * parameters and gives the others their new values, so that it holds state for that share only.
 */
export class OptimizerShard {
  readonly #optimizer: optim.AnyOptimizer;
  readonly #parameters: readonly Tensor[];
  /** The process that steps a parameter, by the parameter's index. */
  readonly #owners: readonly number[];

  /** @throws NotImplementedError for an optimizer that keeps its state in a way of its own */
  constructor(optimizer: optim.AnyOptimizer) {
    if (!(optimizer instanceof optim.Optimizer)) {
      throw new NotImplementedError(
        `shard_optimizer_state: the state of ${optimizer.constructor.name} cannot be spread over processes: set it to false`,
      );
    }
    this.#optimizer = optimizer;
    this.#parameters = (optimizer as optim.AnyOptimizer).paramGroups.flatMap(({ params }) => params);
    this.#owners = balanced(
      this.#parameters.map((parameter) => parameter.numel()),
      distributed.getWorldSize(),
    );
    this.releaseState();
  }

  /** Whether this process steps the parameter. */
  #isOwn(index: number): boolean {
    return this.#owners[index] === distributed.getRank();
  }

  /** Runs the optimizer's step on this process's share, then every process gets all new values. The other gradients are dropped. */
  step(run: () => void): void {
    for (const [index, parameter] of this.#parameters.entries()) {
      if (!this.#isOwn(index)) parameter.grad = null;
    }
    run();
    noGrad(() => {
      for (let rank = 0; rank < distributed.getWorldSize(); rank++) {
        const share = this.#parameters.filter((_, index) => this.#owners[index] === rank);
        distributed.blocking.broadcastMany(share, rank);
      }
    });
  }

  /**
   * Gives the first process the state of all, for a checkpoint in the ordinary layout; {@link releaseState} gives it up again. Every process
   * has to call it.
   */
  gatherState(): void {
    const { state } = this.#optimizer;
    const own: Entry[] = [];
    for (const [index, parameter] of this.#parameters.entries()) {
      if (!this.#isOwn(index)) continue;
      for (const [key, value] of Object.entries(state.get(parameter) ?? {})) {
        if (value instanceof Tensor) own.push([index, key, [...value.shape], value.dtype]);
        else own.push([index, key, null, value]);
      }
    }
    const all = distributed.blocking.allGatherObject(own) as Entry[][];
    for (const [rank, entries] of all.entries()) {
      for (const entry of entries) this.#receive(rank, entry);
    }
  }

  #receive(rank: number, [index, key, shape, dtypeOrValue]: Entry): void {
    const { state } = this.#optimizer;
    const parameter = this.#parameters[index]!;
    const isFirst = distributed.getRank() === 0;
    const put = (value: unknown): void => {
      if (!isFirst) return;
      const values = state.get(parameter) ?? {};
      values[key] = value;
      state.set(parameter, values);
    };
    if (shape === null) {
      if (rank !== 0) put(dtypeOrValue);
      return;
    }
    if (rank === 0) return;
    noGrad(() =>
      scope(() => {
        const mine = distributed.getRank() === rank ? (state.get(parameter)![key] as Tensor) : null;
        const where = mine?.device ?? (shape.length === 0 ? "cpu" : parameter.device);
        const value = mine?.contiguous() ?? zeros(shape, { dtype: dtypeOrValue as DType, device: where });
        distributed.blocking.broadcast(value, rank);
        put(isFirst ? keep(value) : value);
      }),
    );
  }

  /** Frees the state of the other processes' parameters: after a checkpoint was written, or read. */
  releaseState(): void {
    const { state } = this.#optimizer;
    for (const [index, parameter] of this.#parameters.entries()) {
      if (this.#isOwn(index)) continue;
      for (const value of Object.values(state.get(parameter) ?? {})) if (value instanceof Tensor) value.dispose();
      state.delete(parameter);
    }
  }
}

/** A process for each size, so that sums are even: the largest first, each to the one that has least. The same everywhere. */
export function balanced(sizes: readonly number[], processes: number): number[] {
  const sums = Array<number>(processes).fill(0);
  const owners = Array<number>(sizes.length).fill(0);
  const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  for (const index of order) {
    const least = sums.indexOf(Math.min(...sums));
    owners[index] = least;
    sums[least]! += sizes[index]!;
  }
  return owners;
}
