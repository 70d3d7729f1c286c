/** Stores: small values that the processes of a group share, with which they find each other. */
import { native } from "../addon";
import type { NativeDistributed } from "../native";
import { describeFailure, DistributedError } from "./errors";

/** PyTorch's default for stores: 5 minutes. */
export const DEFAULT_STORE_TIMEOUT = 300_000;

/** Options of a {@link TCPStore}. */
export interface TCPStoreOptions {
  /** This process serves the store; one does. Default false. */
  readonly isServer?: boolean;
  /** Processes that will connect: the server waits for them. Default: it waits for none. */
  readonly worldSize?: number;
  /** Milliseconds. Default: 5 minutes. */
  readonly timeout?: number;
  /** Default true, as in PyTorch (`USE_LIBUV=0` turns it off). */
  readonly useLibuv?: boolean;
}

/**
 * A table of keys and bytes that processes share. Values may be given as strings (UTF-8).
 *
 * @throws DistributedError from every method, when the process that serves the store has ended
 */
export class Store {
  /** @internal */
  readonly handle: NativeDistributed;
  /** Milliseconds that {@link get} and {@link wait} wait for keys. */
  timeout: number;

  /** @internal */
  constructor(handle: NativeDistributed, timeout: number) {
    this.handle = handle;
    this.timeout = timeout;
  }

  /** Sets a key. */
  async set(key: string, value: string | Uint8Array): Promise<void> {
    await this.#run("set", native.storeSet(this.handle, key, bytes(value)));
  }

  /** The value of a key; waits until some process has set it. */
  async get(key: string): Promise<Uint8Array> {
    await this.wait([key]);
    return new Uint8Array(await this.#run("get", native.storeGet(this.handle, key)));
  }

  /** Adds to the number under a key (0 at first); the sum. */
  async add(key: string, amount: number): Promise<number> {
    return this.#run("add", native.storeAdd(this.handle, key, amount));
  }

  /** Whether all keys are set. */
  async check(keys: readonly string[]): Promise<boolean> {
    return this.#run("check", native.storeCheck(this.handle, keys));
  }

  /** Removes a key; whether it was there. A file store cannot. */
  async deleteKey(key: string): Promise<boolean> {
    return this.#run("deleteKey", native.storeDelete(this.handle, key));
  }

  /** Sets a key to `desired` if it holds `expected` (empty: if it is not set); the value afterwards. */
  async compareSet(key: string, expected: string | Uint8Array, desired: string | Uint8Array): Promise<Uint8Array> {
    const value = native.storeCompareSet(this.handle, key, bytes(expected), bytes(desired));
    return new Uint8Array(await this.#run("compareSet", value));
  }

  /**
   * Waits until all keys are set.
   *
   * @param timeout milliseconds
   */
  async wait(keys: readonly string[], timeout = this.timeout): Promise<void> {
    // Asked for again and again: a call that waits inside would hold up the other calls of this store.
    const end = performance.now() + timeout;
    for (let pause = 1; !(await this.check(keys)); pause = Math.min(pause * 1.5, 50)) {
      if (performance.now() > end) {
        throw new DistributedError(
          `expected the keys ${keys.join(", ")} in the store within ${timeout / 1000} s, but nobody set them: look whether a process has ended`,
          { operation: "store.wait", rank: null, worldSize: null },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Lets the store go. The server of a TCP store ends when nothing uses it any more. */
  async close(): Promise<void> {
    await native.storeClose(this.handle);
  }

  async #run<T>(operation: string, promise: Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await promise;
    } catch (error) {
      const seconds = (performance.now() - start) / 1000;
      throw describeFailure(error, { operation: `store.${operation}`, rank: null, worldSize: null }, seconds);
    }
  }
}

/** A store that one process serves over TCP; the others connect to it. */
export class TCPStore extends Store {
  /** @param port 0, for the server: one that is free, see {@link TCPStore.port} */
  static async connect(
    host: string,
    port: number,
    { isServer = false, worldSize = 0, timeout = DEFAULT_STORE_TIMEOUT, useLibuv = true }: TCPStoreOptions = {},
  ): Promise<TCPStore> {
    const start = performance.now();
    try {
      return new TCPStore(await native.tcpStore(host, port, isServer, worldSize, timeout, useLibuv), timeout);
    } catch (error) {
      const operation = isServer ? `serving the store on port ${port}` : `connecting to the store at ${host}:${port}`;
      throw describeFailure(error, { operation, rank: null, worldSize: null }, (performance.now() - start) / 1000);
    }
  }

  get port(): number {
    return native.storePort(this.handle);
  }
}

/** A store in a file that all processes see: no network is needed to meet, but the file has to be new for each run. */
export class FileStore extends Store {
  /** @param worldSize processes that use it; the last one removes the file */
  static async open(path: string, worldSize: number, timeout = DEFAULT_STORE_TIMEOUT): Promise<FileStore> {
    return new FileStore(await native.fileStore(path, worldSize, timeout), timeout);
  }
}

/** A store in memory, for groups of one process. */
export class HashStore extends Store {
  constructor(timeout = DEFAULT_STORE_TIMEOUT) {
    super(native.hashStore(), timeout);
  }
}

/** A part of a store: every key gets a prefix, followed by `/`. */
export class PrefixStore extends Store {
  constructor(prefix: string, store: Store) {
    super(native.prefixStore(prefix, store.handle), store.timeout);
  }
}

function bytes(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? Buffer.from(value) : value;
}
