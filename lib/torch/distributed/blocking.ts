/**
 * The operations that code in the middle of an update needs: this thread waits until they are done, as Python's does. Elsewhere the
 * promises of the other functions keep the event loop running.
 */
import { native } from "../addon";
import { noGrad } from "../autograd";
import { empty } from "../operators.generated";
import type { Tensor } from "../tensor";
import type { ReduceOp } from "./collectives";
import { exchangeObjects } from "./objects";
import { defaultGroup, type ProcessGroup } from "./process-group";

/** Options of every operation here. */
export interface BlockingOptions {
  /** Default: the group of all processes. */
  readonly group?: ProcessGroup;
}

/** Combines the tensors of all processes, in place. The tensor has to be contiguous. */
export function allReduce(
  tensor: Tensor,
  op: ReduceOp = "sum",
  { group = defaultGroup("allReduce") }: BlockingOptions = {},
): Tensor {
  group.runNow("allReduce", (handle) => native.groupAllReduce(handle, tensor.handle, op, undefined, true));
  return tensor;
}

/** Combines the tensors of all processes into that of the process `dst`, in place. */
export function reduce(
  tensor: Tensor,
  dst: number,
  op: ReduceOp = "sum",
  { group = defaultGroup("reduce") }: BlockingOptions = {},
): Tensor {
  const root = group.rankOf(dst);
  group.runNow("reduce", (handle) => native.groupReduce(handle, tensor.handle, root, op, undefined, true));
  return tensor;
}

/** Gives all processes the values of the process `src`, in place. */
export function broadcast(
  tensor: Tensor,
  src: number,
  { group = defaultGroup("broadcast") }: BlockingOptions = {},
): Tensor {
  const root = group.rankOf(src);
  group.runNow("broadcast", (handle) => native.groupBroadcast(handle, tensor.handle, root, undefined, true));
  return tensor;
}

/** Gives all processes the values of the process `src`, in place, in few messages. */
export function broadcastMany(
  tensors: readonly Tensor[],
  src: number,
  { group = defaultGroup("broadcast") }: BlockingOptions = {},
): void {
  if (tensors.length === 0) return;
  const root = group.rankOf(src);
  const handles = tensors.map((each) => each.handle);
  group.runNow("broadcast", (handle) => native.groupBroadcastCoalesced(handle, handles, 25 * 2 ** 20, root, true));
}

/** The tensors of all processes, by rank: one shape and dtype. */
export function allGather(tensor: Tensor, { group = defaultGroup("allGather") }: BlockingOptions = {}): Tensor[] {
  const input = noGrad(() => tensor.detach().contiguous());
  const outputs = group.ranks.map(() => empty(input.shape, { dtype: input.dtype, device: input.device }));
  const handles = outputs.map((each) => each.handle);
  group.runNow("allGather", (handle) => native.groupAllGather(handle, handles, input.handle, undefined, true));
  return outputs;
}

/** The plain values of all processes, by rank. */
export function allGatherObject(
  value: unknown,
  { group = defaultGroup("allGatherObject") }: BlockingOptions = {},
): unknown[] {
  return exchangeObjects(value, group);
}

/** Ends when every process has come here. */
export function barrier({ group = defaultGroup("barrier") }: BlockingOptions = {}): void {
  group.runNow("barrier", (handle) => native.groupBarrier(handle, undefined, true));
}
