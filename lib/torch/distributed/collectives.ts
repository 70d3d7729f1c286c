/** What the processes of a group do together. Every process of the group has to call the same operations in the same order. */
import { noGrad } from "../autograd";
import { empty, zeros } from "../operators.generated";
import { tensor as makeTensor } from "../creation";
import { native } from "../addon";
import type { Tensor } from "../tensor";
import type { NativeDistributed } from "../native";
import { defaultGroup, type ProcessGroup } from "./process-group";

/** How tensors are combined. `avg` needs NCCL. */
export type ReduceOp = "sum" | "avg" | "product" | "min" | "max" | "band" | "bor" | "bxor";

/** Options of every operation. */
export interface CollectiveOptions {
  /** Default: the group of all processes. Ranks in arguments and results are always those of that group. */
  readonly group?: ProcessGroup;
  /** Milliseconds to wait for the others. Default: that of the group. */
  readonly timeout?: number;
}

/** Options of operations that combine tensors. */
export interface ReduceOptions extends CollectiveOptions {
  /** Default `sum`. */
  readonly op?: ReduceOp;
}

/** Options of messages between two processes. */
export interface MessageOptions {
  readonly group?: ProcessGroup;
  /** Number that sender and receiver agree on. Default 0. */
  readonly tag?: number;
}

/**
 * Combines the tensors of all processes, in place: all have the result afterwards.
 *
 * @returns the tensor
 * @throws DistributedError when a process ends or does not come within the timeout, as every operation here
 */
export async function allReduce(tensor: Tensor, { op = "sum", ...options }: ReduceOptions = {}): Promise<Tensor> {
  return inPlace("allReduce", tensor, options, (group, value, timeout) =>
    native.groupAllReduce(group, value.handle, op, timeout, false),
  );
}

/** Combines the tensors of all processes into that of the process `dst`; those of the others have no meaning afterwards. */
export async function reduce(
  tensor: Tensor,
  dst: number,
  { op = "sum", ...options }: ReduceOptions = {},
): Promise<Tensor> {
  const root = groupOf("reduce", options).rankOf(dst);
  return inPlace("reduce", tensor, options, (group, value, timeout) =>
    native.groupReduce(group, value.handle, root, op, timeout, false),
  );
}

/** Gives all processes the values of the process `src`, in place. Shape and dtype have to be the same everywhere. */
export async function broadcast(tensor: Tensor, src: number, options: CollectiveOptions = {}): Promise<Tensor> {
  const root = groupOf("broadcast", options).rankOf(src);
  return inPlace("broadcast", tensor, options, (group, value, timeout) =>
    native.groupBroadcast(group, value.handle, root, timeout, false),
  );
}

/** The tensors of all processes, by rank. Shape and dtype have to be the same everywhere: see {@link allGatherUneven}. */
export async function allGather(tensor: Tensor, options: CollectiveOptions = {}): Promise<Tensor[]> {
  const group = groupOf("allGather", options);
  const input = dense(tensor);
  const outputs = group.ranks.map(() => emptyLike(input));
  await group.run("allGather", (handle) =>
    native.groupAllGather(
      handle,
      outputs.map((each) => each.handle),
      input.handle,
      options.timeout,
      false,
    ),
  );
  return outputs;
}

/** The tensors `(N_r, …)` of all processes, by rank: the first dimension may differ, also be 0. Two messages more than {@link allGather}. */
export async function allGatherUneven(tensor: Tensor, options: CollectiveOptions = {}): Promise<Tensor[]> {
  if (tensor.ndim === 0)
    throw new TypeError("allGatherUneven: expected a tensor of at least one dimension, got a 0-d one");
  const [own = 0, ...rest] = tensor.shape;
  const lengths = await firstSizes(own, options, tensor.device);
  const most = Math.max(...lengths);
  const padded = noGrad(() => {
    const value = zeros([most, ...rest], { dtype: tensor.dtype, device: tensor.device });
    if (own > 0) value.narrow(0, 0, own).copy_(tensor.detach());
    return value;
  });
  const gathered = most === 0 ? lengths.map(() => padded) : await allGather(padded, options);
  return gathered.map((each, rank) => each.narrow(0, 0, lengths[rank]!));
}

/** The tensors of all processes, by rank, in the process `dst`; null in the others. */
export async function gather(tensor: Tensor, dst: number, options: CollectiveOptions = {}): Promise<Tensor[] | null> {
  const group = groupOf("gather", options);
  const root = group.rankOf(dst);
  const input = dense(tensor);
  const outputs = group.rank === root ? group.ranks.map(() => emptyLike(input)) : [];
  const to = outputs.map((each) => each.handle);
  await group.run("gather", (handle) => native.groupGather(handle, to, input.handle, root, options.timeout, false));
  return group.rank === root ? outputs : null;
}

/**
 * Gives each process one of the tensors that the process `src` has.
 *
 * @param output where it goes, in every process
 * @param tensors one for each process in `src`; null in the others
 */
export async function scatter(
  output: Tensor,
  tensors: readonly Tensor[] | null,
  src: number,
  options: CollectiveOptions = {},
): Promise<Tensor> {
  const group = groupOf("scatter", options);
  const root = group.rankOf(src);
  if (group.rank === root) checkCount("scatter", tensors ?? [], group);
  const inputs = group.rank === root ? tensors!.map(dense) : [];
  return inPlace("scatter", output, options, (handle, value, timeout) =>
    native.groupScatter(
      handle,
      value.handle,
      inputs.map((each) => each.handle),
      root,
      timeout,
      false,
    ),
  );
}

/** Combines the lists of all processes element by element; each process gets the element of its rank. One shape for all. */
export async function reduceScatter(
  tensors: readonly Tensor[],
  { op = "sum", ...options }: ReduceOptions = {},
): Promise<Tensor> {
  const group = groupOf("reduceScatter", options);
  checkCount("reduceScatter", tensors, group);
  const inputs = tensors.map(dense);
  const output = emptyLike(inputs[group.rank]!);
  await group.run("reduceScatter", (handle) =>
    native.groupReduceScatter(
      handle,
      output.handle,
      inputs.map((each) => each.handle),
      op,
      options.timeout,
      false,
    ),
  );
  return output;
}

/**
 * Gives the k-th tensor to the process with rank k; the tensors that the others gave this one, by rank.
 *
 * @param tensors `(N, …)`, one for each process; `N` may differ with `uneven: true`, which costs a message more
 */
export async function allToAll(
  tensors: readonly Tensor[],
  { uneven = false, ...options }: CollectiveOptions & { readonly uneven?: boolean } = {},
): Promise<Tensor[]> {
  const group = groupOf("allToAll", options);
  checkCount("allToAll", tensors, group);
  const first = tensors[0]!;
  const sizes = tensors.map((each) => each.shape[0] ?? 0);
  if (tensors.some((each) => each.ndim === 0))
    throw new TypeError("allToAll: expected tensors of at least one dimension");
  if (!uneven && sizes.some((size) => size !== sizes[0]))
    throw new TypeError(`allToAll: expected tensors of one length, got ${sizes.join(", ")}: pass uneven: true`);
  let received = sizes;
  if (uneven) {
    const sent = makeTensor(sizes, { dtype: "int64", device: first.device });
    const got = emptyLike(sent);
    const ones = sizes.map(() => 1);
    await group.run("allToAll", (handle) =>
      native.groupAllToAll(handle, got.handle, sent.handle, ones, ones, options.timeout, false),
    );
    received = (got.tolist() as (number | bigint)[]).map(Number);
  }
  const input = noGrad(() => joined(tensors));
  const total = received.reduce((sum, size) => sum + size, 0);
  const output = empty([total, ...first.shape.slice(1)], { dtype: first.dtype, device: first.device });
  await group.run("allToAll", (handle) =>
    native.groupAllToAll(handle, output.handle, input.handle, received, sizes, options.timeout, false),
  );
  let start = 0;
  return received.map((size) => output.narrow(0, (start += size) - size, size));
}

/** Sends a tensor to the process `dst`. Ends when it is on its way. */
export async function send(tensor: Tensor, dst: number, { group: given, tag = 0 }: MessageOptions = {}): Promise<void> {
  const group = given ?? defaultGroup("send");
  const value = dense(tensor);
  const to = group.rankOf(dst);
  await group.run("send", (handle) => native.groupSend(handle, value.handle, to, tag, false));
}

/**
 * Receives a tensor into one of the same shape and dtype.
 *
 * @param src null: from whoever sends (not with NCCL)
 * @returns the rank of the sender
 */
export async function recv(
  tensor: Tensor,
  src: number | null = null,
  { group: given, tag = 0 }: MessageOptions = {},
): Promise<number> {
  const group = given ?? defaultGroup("recv");
  const from = src === null ? -1 : group.rankOf(src);
  let sender = -1;
  await inPlace("recv", tensor, { group }, async (handle, value) => {
    sender = await (native.groupRecv(handle, value.handle, from, tag, false) as Promise<number>);
  });
  return group.ranks[sender]!;
}

/** Ends when every process has come here. */
export async function barrier(options: CollectiveOptions = {}): Promise<void> {
  await groupOf("barrier", options).run("barrier", (handle) => native.groupBarrier(handle, options.timeout, false));
}

function groupOf(operation: string, { group }: CollectiveOptions): ProcessGroup {
  return group ?? defaultGroup(operation);
}

type Start = (group: NativeDistributed, value: Tensor, timeout: number | undefined) => Promise<unknown> | unknown;

/** Runs what writes into a tensor, through a contiguous copy where it is not. */
async function inPlace(operation: string, tensor: Tensor, options: CollectiveOptions, start: Start): Promise<Tensor> {
  const group = groupOf(operation, options);
  const value = dense(tensor);
  await group.run(operation, async (handle) => start(handle, value, options.timeout));
  if (value !== tensor) noGrad(() => tensor.detach().copy_(value));
  return tensor;
}

function dense(tensor: Tensor): Tensor {
  return tensor.isContiguous() ? tensor : noGrad(() => tensor.detach().contiguous());
}

function emptyLike(tensor: Tensor): Tensor {
  return empty(tensor.shape, { dtype: tensor.dtype, device: tensor.device });
}

function joined(tensors: readonly Tensor[]): Tensor {
  const length = tensors.reduce((sum, each) => sum + each.shape[0]!, 0);
  const whole = empty([length, ...tensors[0]!.shape.slice(1)], {
    dtype: tensors[0]!.dtype,
    device: tensors[0]!.device,
  });
  let start = 0;
  for (const each of tensors) {
    if (each.shape[0]! > 0) whole.narrow(0, start, each.shape[0]!).copy_(each.detach());
    start += each.shape[0]!;
  }
  return whole;
}

async function firstSizes(own: number, options: CollectiveOptions, device: string): Promise<number[]> {
  const sizes = await allGather(makeTensor([own], { dtype: "int64", device }), options);
  return sizes.map((size) => Number(size.item()));
}

function checkCount(operation: string, tensors: readonly Tensor[], group: ProcessGroup): void {
  if (tensors.length !== group.size)
    throw new TypeError(`${operation}: expected ${group.size} tensors, one for each process, got ${tensors.length}`);
}
