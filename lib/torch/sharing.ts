/** Tensors that worker threads share, without a copy. */
import { native } from "./addon";
import { checkArgument, show, tensor as tensorKind } from "./arguments";
import { DisposedError, guard } from "./errors";
import { wrap } from "./scope";
import type { Tensor } from "./tensor";

/** A tensor parked for another thread: plain data, fit for `postMessage`. */
export interface SharedTensor {
  readonly ticket: number;
}

/**
 * Parks a tensor for another thread; both threads then share its memory. The tensor stays valid here.
 *
 * @example
 * worker.postMessage(shareTensor(x)); // in the worker: adoptTensor(message)
 */
export function shareTensor(tensor: Tensor): SharedTensor {
  checkArgument("shareTensor", "tensor", tensor, tensorKind);
  if (tensor.handle === 0) throw new DisposedError("shareTensor");
  return { ticket: guard("shareTensor", () => native.park(tensor.handle)) };
}

/** @internal {@link shareTensor} for a worker that may end before its tensors are taken: see {@link abandonTensors}. */
export function shareTensorOf(owner: number, tensor: Tensor): SharedTensor {
  if (tensor.handle === 0) throw new DisposedError("shareTensor");
  return { ticket: guard("shareTensor", () => native.park(tensor.handle, owner)) };
}

/** @internal Frees the tensors of an owner that has ended which nobody took; how many there were. */
export function abandonTensors(owner: number): number {
  return native.abandon(owner);
}

/**
 * Takes a parked tensor over, once.
 *
 * @throws TorchError `ERR_TICKET` when it was taken already.
 */
export function adoptTensor(shared: SharedTensor): Tensor {
  if (typeof (shared as Partial<SharedTensor> | null | undefined)?.ticket !== "number")
    throw new TypeError(`adoptTensor: expected what shareTensor gave, { ticket }, got ${show(shared)}`);
  return wrap(guard("adoptTensor", () => native.adopt(shared.ticket)));
}
