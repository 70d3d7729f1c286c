/** Streams, in which a device works in order, and events, which mark places in them. */
import { native } from "../addon";
import { checkArgument, checkOptions, flag, integer, type Kind, type KindsOf, refuseSurplus } from "../arguments";
import type { Mode } from "../async-context";
import { guard, TorchError } from "../errors";
import type { NativeEvent } from "../native";
import { runInMode } from "../run-in-mode";
import { cudaDevice, type CudaDevice } from "./device";

/** Options of a {@link Stream}. */
export interface StreamOptions {
  /** Default: the current device. */
  readonly device?: CudaDevice;
  /** Lower numbers come first: 0 (default), or −1 and below for a stream whose work goes before that of others. */
  readonly priority?: number;
}

/** Options of an {@link Event}. */
export interface EventOptions {
  /** Default: the current device. */
  readonly device?: CudaDevice;
  /** Allows {@link Event.elapsedTime} (default false). */
  readonly enableTiming?: boolean;
}

const anyDevice: Kind = {
  text: 'a CUDA device (its number, "cuda" or "cuda:1")',
  accepts: (value) => typeof value === "number" || typeof value === "string",
};
const STREAM = { device: anyDevice, priority: integer } satisfies KindsOf<StreamOptions>;
const EVENT = { device: anyDevice, enableTiming: flag } satisfies KindsOf<EventOptions>;

/** Streams that are there already, by the options that stand for them: {@link Stream}'s constructor takes no others from inside. */
const existing = new WeakMap<StreamOptions, { readonly device: string; readonly id: number }>();

/**
 * Work of a device in order; streams run beside each other. Operators go to the current stream of their device
 * ({@link withStream}); a tensor that another stream than its own uses needs {@link Tensor.recordStream}.
 *
 * @example
 * const side = new cuda.Stream();
 * side.waitStream(cuda.currentStream());
 * const y = cuda.withStream(side, () => x.mul(2));
 * cuda.currentStream().waitStream(side);
 * y.recordStream(cuda.currentStream());
 */
export class Stream {
  /** `"cuda:0"` */
  readonly device: string;
  /** libtorch's id of the stream on its device. */
  readonly id: number;

  /** Takes a stream out of the pool of a device, which has 32 for each priority. */
  constructor(options: StreamOptions = {}, ...surplus: never[]) {
    const known = existing.get(options);
    if (known !== undefined) {
      this.device = known.device;
      this.id = known.id;
      return;
    }
    checkOptions("cuda.Stream", options, STREAM, surplus);
    const device = cudaDevice("cuda.Stream", options.device, []);
    this.device = device;
    this.id = guard("cuda.Stream", () => native.newStream(device, options.priority ?? 0));
  }

  /** True when all its work is done. */
  query(): boolean {
    return guard("Stream.query", () => native.queryStream(this.device, this.id));
  }

  /** Waits until all its work is done. */
  synchronize(): void {
    guard("Stream.synchronize", () => native.synchronizeStream(this.device, this.id));
  }

  /** What comes to this stream from here on starts after the event; the host does not wait. */
  waitEvent(event: Event, ...surplus: never[]): void {
    checkArgument("Stream.waitEvent", "event", event, anyEvent);
    refuseSurplus("Stream.waitEvent", surplus);
    event.wait(this);
  }

  /** What comes to this stream from here on starts after all that the other stream has so far. */
  waitStream(stream: Stream, ...surplus: never[]): void {
    checkArgument("Stream.waitStream", "stream", stream, anyStream);
    refuseSurplus("Stream.waitStream", surplus);
    this.waitEvent(stream.recordEvent());
  }

  /** Records an event behind the work so far; a new one where none is given. */
  recordEvent(event: Event = new Event({ device: this.device }), ...surplus: never[]): Event {
    checkArgument("Stream.recordEvent", "event", event, anyEvent);
    refuseSurplus("Stream.recordEvent", surplus);
    event.record(this);
    return event;
  }

  /** True for the same stream of the same device. */
  equals(other: Stream): boolean {
    return other instanceof Stream && other.device === this.device && other.id === this.id;
  }

  toString(): string {
    return `Stream(${this.device}, ${this.id})`;
  }
}

function streamOf(device: string, id: number): Stream {
  const options: StreamOptions = {};
  existing.set(options, { device, id });
  return new Stream(options);
}

/** A place in the work of a stream, to wait for and to measure from. */
export class Event {
  readonly #event: NativeEvent;
  readonly #timed: boolean;

  constructor(options: EventOptions = {}, ...surplus: never[]) {
    checkOptions("cuda.Event", options, EVENT, surplus);
    const device = cudaDevice("cuda.Event", options.device, []);
    this.#timed = options.enableTiming ?? false;
    this.#event = guard("cuda.Event", () => native.newEvent(device, this.#timed));
  }

  /** Marks what a stream (default: the current one) has to do so far; recorded again, the event means the later place. */
  record(stream: Stream = currentStream(), ...surplus: never[]): void {
    checkArgument("Event.record", "stream", stream, anyStream);
    refuseSurplus("Event.record", surplus);
    guard("Event.record", () => native.recordEvent(this.#event, stream.device, stream.id));
  }

  /** What comes to a stream (default: the current one) from here on starts after the event; the host does not wait. */
  wait(stream: Stream = currentStream(), ...surplus: never[]): void {
    checkArgument("Event.wait", "stream", stream, anyStream);
    refuseSurplus("Event.wait", surplus);
    guard("Event.wait", () => native.waitEvent(this.#event, stream.device, stream.id));
  }

  /** True when the work that it marks is done, or none is marked. */
  query(): boolean {
    return guard("Event.query", () => native.queryEvent(this.#event));
  }

  /** Waits until the work that it marks is done. */
  synchronize(): void {
    guard("Event.synchronize", () => native.synchronizeEvent(this.#event));
  }

  /**
   * Milliseconds from this event to another. Both were made with `enableTiming`, recorded, and are done ({@link synchronize}).
   *
   * @throws TorchError otherwise
   */
  elapsedTime(end: Event, ...surplus: never[]): number {
    checkArgument("Event.elapsedTime", "end", end, anyEvent);
    refuseSurplus("Event.elapsedTime", surplus);
    if (!this.#timed || !end.#timed)
      throw new TorchError(
        "Event.elapsedTime: expected events that measure time, got one without: new cuda.Event({ enableTiming: true })",
        { code: "ERR_ARGUMENT", operator: "Event.elapsedTime" },
      );
    return guard("Event.elapsedTime", () => native.elapsedTime(this.#event, end.#event));
  }
}

const anyStream: Kind = { text: "a cuda.Stream", accepts: (value) => value instanceof Stream };
const anyEvent: Kind = { text: "a cuda.Event", accepts: (value) => value instanceof Event };

/** The stream that operators of this thread go to. */
export function currentStream(device?: CudaDevice | null, ...surplus: never[]): Stream {
  const name = cudaDevice("cuda.currentStream", device, surplus);
  return streamOf(
    name,
    guard("cuda.currentStream", () => native.currentStream(name)),
  );
}

/** The stream that is the current one unless another was set. */
export function defaultStream(device?: CudaDevice | null, ...surplus: never[]): Stream {
  const name = cudaDevice("cuda.defaultStream", device, surplus);
  return streamOf(
    name,
    guard("cuda.defaultStream", () => native.defaultStream(name)),
  );
}

/** Makes a stream the current one of its device, in this thread. {@link withStream} does it for a function only. */
export function setStream(stream: Stream, ...surplus: never[]): void {
  checkArgument("cuda.setStream", "stream", stream, anyStream);
  refuseSurplus("cuda.setStream", surplus);
  guard("cuda.setStream", () => native.setStream(stream.device, stream.id));
}

/**
 * Runs `body` with a stream as the current one of its device, and its device as the current one.
 *
 * @param body synchronous, or declared `async`: the stream then holds across its `await`s, and only there.
 */
export function withStream<T>(stream: Stream, body: () => T, ...surplus: never[]): T {
  checkArgument("cuda.withStream", "stream", stream, anyStream);
  const before: { readonly device: number; readonly id: number }[] = [];
  const mode: Mode = {
    enter() {
      const device = native.currentDevice("cuda");
      native.setDevice(stream.device);
      before.push({ device, id: native.setStream(stream.device, stream.id) });
    },
    exit() {
      const { device, id } = before.pop()!;
      native.setStream(stream.device, id);
      native.setDevice(`cuda:${device}`);
    },
  };
  return runInMode("cuda.withStream", mode, body, surplus);
}
