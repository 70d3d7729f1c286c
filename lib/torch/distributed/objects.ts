/** Plain values among processes: numbers, strings, lists, mappings. They travel as pickles, as in Python, and nothing in them is executed. */
import { native } from "../addon";
import { fromBytes } from "../creation";
import { empty, zeros } from "../operators.generated";
import { tensor as makeTensor } from "../creation";
import { scope } from "../scope";
import { PickleBytes } from "../serialization/pickle/bytes";
import { unpickle } from "../serialization/pickle/machine";
import { materialize } from "../serialization/pickle/materialize";
import { pickle } from "../serialization/pickle/writer";
import type { Tensor } from "../tensor";
import type { CollectiveOptions } from "./collectives";
import { defaultGroup, type ProcessGroup } from "./process-group";

/** Bytes that the objects of one message may cost. */
const MEMORY_LIMIT = 2 ** 30;

/**
 * The values of all processes, by rank. A mapping comes back as a `Map`.
 *
 * @throws CheckpointError for a value that is not plain; tensors have operations of their own
 */
export async function allGatherObject(value: unknown, { group: given }: CollectiveOptions = {}): Promise<unknown[]> {
  const group = given ?? defaultGroup("allGatherObject");
  const steps = exchange(group, encode(value), false);
  for (;;) {
    const { done, value: step } = steps.next();
    if (done) return step.map(decode);
    await group.run("allGatherObject", async () => step());
  }
}

/** @internal The same, while this thread waits. */
export function exchangeObjects(value: unknown, group: ProcessGroup): unknown[] {
  const steps = exchange(group, encode(value), true);
  for (;;) {
    const { done, value: step } = steps.next();
    if (done) return step.map(decode);
    group.runNow("allGatherObject", step);
  }
}

/** The values of all processes in the process `dst`, by rank; null in the others. */
export async function gatherObject(
  value: unknown,
  dst: number,
  options: CollectiveOptions = {},
): Promise<unknown[] | null> {
  const group = options.group ?? defaultGroup("gatherObject");
  const root = group.rankOf(dst);
  const bytes = encode(value);
  const device = deviceOf(group);
  return scope(async () => {
    const own = makeTensor([bytes.length], { dtype: "int64", device });
    const sizes = group.ranks.map(() => makeTensor([0], { dtype: "int64", device }));
    const handles = (list: readonly Tensor[]): number[] => list.map((each) => each.handle);
    await group.run("gatherObject", async (handle) =>
      native.groupAllGather(handle, handles(sizes), own.handle, options.timeout, false),
    );
    const lengths = sizes.map((size) => Number(size.item()));
    const most = Math.max(...lengths);
    const input = padded(bytes, most, device);
    const outputs = group.rank === root ? lengths.map(() => empty([most], { dtype: "uint8", device })) : [];
    await group.run("gatherObject", async (handle) =>
      native.groupGather(handle, handles(outputs), input.handle, root, options.timeout, false),
    );
    return group.rank === root ? outputs.map((each, rank) => decode(bytesIn(each, lengths[rank]!))) : null;
  });
}

/** The values that the process `src` gives; what the others give is ignored, except that its length has to be the same. */
export async function broadcastObjectList(
  values: readonly unknown[],
  src: number,
  options: CollectiveOptions = {},
): Promise<unknown[]> {
  const group = options.group ?? defaultGroup("broadcastObjectList");
  const root = group.rankOf(src);
  const device = deviceOf(group);
  return scope(async () => {
    const parts = group.rank === root ? values.map(encode) : values.map(() => new Uint8Array());
    const sizes = makeTensor(
      parts.map((part) => part.length),
      { dtype: "int64", device },
    );
    const send = (value: Tensor): Promise<unknown> =>
      group.run("broadcastObjectList", async (handle) =>
        native.groupBroadcast(handle, value.handle, root, options.timeout, false),
      );
    await send(sizes);
    const lengths = (sizes.tolist() as (number | bigint)[]).map(Number);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const whole = padded(Buffer.concat(parts), total, device);
    await send(whole);
    const bytes = bytesIn(whole, total);
    let start = 0;
    return lengths.map((length) => decode(bytes.subarray(start, (start += length))));
  });
}

/** The value of the process `src`, in all. */
export async function broadcastObject<T>(value: T, src: number, options: CollectiveOptions = {}): Promise<T> {
  const [received] = await broadcastObjectList([value], src, options);
  return received as T;
}

/** The bytes of all processes: first how many there are, then, filled up to the most, the bytes. */
function* exchange(
  group: ProcessGroup,
  bytes: Uint8Array,
  blocking: boolean,
): Generator<() => Promise<unknown> | unknown, Uint8Array[], void> {
  const device = deviceOf(group);
  const made: Tensor[] = [];
  const own = <T extends Tensor>(tensor: T): T => (made.push(tensor), tensor);
  try {
    const size = own(makeTensor([bytes.length], { dtype: "int64", device }));
    const sizes = group.ranks.map(() => own(makeTensor([0], { dtype: "int64", device })));
    const handles = (list: readonly Tensor[]): number[] => list.map((each) => each.handle);
    yield () => native.groupAllGather(group.handle, handles(sizes), size.handle, undefined, blocking);
    const lengths = sizes.map((each) => Number(each.item()));
    const most = Math.max(...lengths);
    const input = own(padded(bytes, most, device));
    const outputs = lengths.map(() => own(empty([most], { dtype: "uint8", device })));
    yield () => native.groupAllGather(group.handle, handles(outputs), input.handle, undefined, blocking);
    return outputs.map((each, rank) => bytesIn(each, lengths[rank]!));
  } finally {
    for (const tensor of made) tensor.dispose();
  }
}

function padded(bytes: Uint8Array, length: number, device: string): Tensor {
  return scope(() => {
    const value = zeros([length], { dtype: "uint8" });
    if (bytes.length > 0)
      value.narrow(0, 0, bytes.length).copy_(fromBytes(Buffer.from(bytes), [bytes.length], "uint8"));
    return device === "cpu" ? value : value.to(device);
  });
}

function bytesIn(tensor: Tensor, length: number): Uint8Array {
  return scope(() => Uint8Array.from(tensor.narrow(0, 0, length).cpu().bytes()));
}

/** NCCL moves tensors of GPUs only. */
function deviceOf({ backend }: ProcessGroup): string {
  return backend === "nccl" ? "cuda" : "cpu";
}

function noTensors(): never {
  throw new TypeError(
    "expected plain values (numbers, strings, lists, mappings), got a tensor: allGather and broadcast move tensors",
  );
}

function encode(value: unknown): Uint8Array {
  return Uint8Array.from(pickle(value, { storage: noTensors, tensor: noTensors } as never));
}

function decode(bytes: Uint8Array): unknown {
  return materialize(unpickle(PickleBytes.of(bytes), MEMORY_LIMIT), { tensor: noTensors, storage: noTensors });
}
