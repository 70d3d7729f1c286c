/**
 * Tensors of all processes, for losses and callbacks. In a run of one process each gives its argument back (0-d tensors as `(1,)` where they
 * would be gathered). They wait: every process has to call the same ones in the same order.
 *
 * Gloo moves no bool, which travels as uint8; tensors of another device than the group's travel over it.
 */
import {
  cat,
  distributed,
  Function as AutogradFunction,
  type FunctionContext,
  noGrad,
  scope,
  tensor,
  type Tensor,
} from "../../torch";
import { getWorldSize, isDistributed } from "./config";

/** All tensors `(n, …)` along `batchDim`, by rank: `(W·n, …)`. Gradients flow back to each process's own. */
export function allGatherGrad(x: Tensor, batchDim = 0): Tensor {
  const value = x.ndim === 0 ? x.unsqueeze(0) : x;
  return isDistributed() ? (AllGather.apply(value, batchDim) as Tensor) : value;
}

/** {@link allGatherGrad} without gradients. */
export function allGatherNograd(x: Tensor, batchDim = 0): Tensor {
  const value = x.ndim === 0 ? x.unsqueeze(0) : x;
  return isDistributed() ? noGrad(() => gathered(value, batchDim)) : value;
}

/**
 * {@link allGatherNograd} of rows that a `DistributedSampler` dealt out, in the order of the data set: row i of rank r is sample i·W + r.
 *
 * @param maxLength rows that are kept: the sampler gives some samples twice to fill up. Ignored in a run of one process.
 */
export function allGatherNogradClipped(x: Tensor, maxLength: number | null = null, batchDim = 0): Tensor {
  const all = allGatherNograd(x, batchDim);
  if (!isDistributed()) return all;
  return noGrad(() => {
    const world = getWorldSize();
    const first = all.movedim(batchDim, 0);
    const [rows = 0, ...rest] = first.shape;
    // (W·n, …) → (W, n, …) → (n, W, …) → (n·W, …)
    const dealt = first
      .reshape([world, rows / world, ...rest])
      .transpose(0, 1)
      .reshape([rows, ...rest]);
    const kept = maxLength === null ? dealt : dealt.narrow(0, 0, Math.min(maxLength, rows));
    return kept.movedim(0, batchDim);
  });
}

/** Sum over all processes. */
export function allReduceSumGrad(x: Tensor): Tensor {
  return isDistributed() ? (AllReduceSum.apply(x) as Tensor) : x;
}

export function allReduceSumNograd(x: Tensor): Tensor {
  return isDistributed() ? noGrad(() => summed(x)) : x;
}

/** Mean over all processes. */
export function allReduceMeanGrad(x: Tensor): Tensor {
  return isDistributed() ? allReduceSumGrad(x.div(getWorldSize())) : x;
}

export function allReduceMeanNograd(x: Tensor): Tensor {
  return isDistributed() ? noGrad(() => allReduceSumNograd(x.div(getWorldSize()))) : x;
}

/** Mean over all processes, in `destRank`; the value in the others has no meaning. The argument stays as it is. */
export function reduceMeanNograd(x: Tensor, destRank = 0): Tensor {
  if (!isDistributed()) return x;
  return noGrad(() => over(x.div(getWorldSize()), (value) => distributed.blocking.reduce(value, destRank)));
}

/** Largest value over all processes, in `destRank`. */
export function reduceMaxNograd(x: Tensor, destRank = 0): Tensor {
  if (!isDistributed()) return x;
  return noGrad(() => over(x, (value) => distributed.blocking.reduce(value, destRank, "max")));
}

/** The plain values of all processes, by rank. */
export function allGatherValues<T>(value: T): T[] {
  return isDistributed() ? (distributed.blocking.allGatherObject(value) as T[]) : [value];
}

/** Which of the flags are set in any process. */
export function setAnywhere<Flags extends readonly boolean[]>(...flags: Flags): { [K in keyof Flags]: boolean } {
  if (!isDistributed()) return flags as { [K in keyof Flags]: boolean };
  return scope(() => {
    const own = tensor(flags.map(Number), { dtype: "int64" });
    const all = over(own, (value) => distributed.blocking.allReduce(value, "max"));
    return (all.toArray() as (number | bigint)[]).map((value) => Number(value) === 1) as {
      [K in keyof Flags]: boolean;
    };
  });
}

/** The values of the first process, in all. @throws Error what `make` threw there, in all */
export async function fromRank0<T>(make: () => T | Promise<T>): Promise<T> {
  if (!isDistributed()) return make();
  let outcome: { value?: T; error?: string } = {};
  let failure: { readonly error: Error } | null = null;
  if (distributed.getRank() === 0) {
    try {
      outcome = { value: await make() };
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      failure = { error };
      outcome = { error: error.message };
    }
  }
  const text = await distributed.broadcastObject(JSON.stringify(outcome), 0);
  if (failure !== null) throw failure.error;
  const { value, error } = JSON.parse(text) as { value?: T; error?: string };
  if (error !== undefined) throw new Error(`rank 0 failed: ${error}`);
  return value as T;
}

/** Ends when every process has come here. */
export function barrier(): void {
  if (isDistributed()) distributed.blocking.barrier();
}

function gathered(x: Tensor, batchDim: number): Tensor {
  return back(x, cat(distributed.blocking.allGather(communicable(x)), batchDim));
}

function summed(x: Tensor): Tensor {
  return over(x, (value) => distributed.blocking.allReduce(value));
}

/** A copy of the tensor that an operation writes into. */
function over(x: Tensor, run: (value: Tensor) => Tensor): Tensor {
  const value = communicable(x);
  return back(x, run(value === x ? value.clone() : value));
}

/** As the group can move it: contiguous, on its device, of a dtype that it knows. */
function communicable(x: Tensor): Tensor {
  const { backend } = distributed.defaultGroup();
  let value = x.detach();
  if (backend === "nccl" && value.device === "cpu") value = value.to("cuda");
  if (value.dtype === "bool") value = value.to("uint8");
  return value.contiguous();
}

function back(like: Tensor, value: Tensor): Tensor {
  return value.to(like.device).to(like.dtype);
}

/** What {@link AllGather} keeps for its backward pass. */
type GatherContext = FunctionContext & { batchDim?: number; length?: number };

class AllGather extends AutogradFunction {
  static forward(context: GatherContext, x: Tensor, batchDim: number): Tensor {
    context.batchDim = batchDim;
    context.length = x.shape.at(batchDim);
    return gathered(x, batchDim);
  }

  static backward({ batchDim = 0, length = 0 }: GatherContext, gradient: Tensor): (Tensor | null)[] {
    return [summed(gradient).narrow(batchDim, distributed.getRank() * length, length), null];
  }
}

class AllReduceSum extends AutogradFunction {
  static forward(_context: FunctionContext, x: Tensor): Tensor {
    return summed(x);
  }

  static backward(_context: FunctionContext, gradient: Tensor): (Tensor | null)[] {
    return [summed(gradient)];
  }
}
