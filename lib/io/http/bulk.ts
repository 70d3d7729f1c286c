/**
 * Large answers straight from the socket into buffers that are used again. Node's client hands out a copy of each 64 KiB, which
 * for large files costs more of the processor than everything else together, and memory for copies that wait to be collected.
 * Only the plainest form of HTTP/1.1 is read here (a length, no encoding); for whatever else the caller asks again in Node's way.
 */
import { isIP, connect as connectPlain, type Socket } from "node:net";
import { Readable } from "node:stream";
import { connect as connectSecure, type ConnectionOptions } from "node:tls";
import { InterruptedTransferError } from "../errors";
import { proxyFor } from "./proxy";

/** Bytes that are handed out at a time. A connection has two such buffers: one fills while the other is written. */
const CHUNK = 2 ** 18;
/** Milliseconds after which fewer are handed out, so that a kill loses little of a slow transfer. */
const PATIENCE = 100;
/** Bytes of an answer's head. */
const MAX_HEAD = 2 ** 14;
/** Bytes of an answer that is no file: an error, a redirect. */
const MAX_MESSAGE = 2 ** 18;
/** Milliseconds that a connection is kept for the next request. */
const KEPT_FOR = 4000;
/** Connections that are kept for a host. */
const MAX_KEPT = 64;

/** An answer whose body comes in large chunks. */
export interface BulkAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: BulkBody;
}

/** A stream for whoever wants one; {@link chunks} is the fast way, and only one of the two can be used. */
export class BulkBody extends Readable {
  readonly #next: () => Promise<Buffer | null>;
  readonly #stop: (error: Error | null) => void;
  #isRead = false;

  constructor(next: () => Promise<Buffer | null>, stop: (error: Error | null) => void) {
    super({ highWaterMark: 1 });
    this.#next = next;
    this.#stop = stop;
  }

  /** Each chunk is valid until the next one is asked for. */
  async *chunks(): AsyncGenerator<Buffer> {
    this.#isRead = true;
    try {
      for (let chunk = await this.#next(); chunk !== null; chunk = await this.#next()) yield chunk;
    } finally {
      this.destroy();
    }
  }

  override _read(): void {
    this.#next().then(
      (chunk) => this.push(chunk === null ? null : Buffer.from(chunk)),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stop(error);
    // whoever reads the chunks gets the error there
    done(this.#isRead ? null : error);
  }
}

/** What is asked for. */
export interface BulkRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Milliseconds until the head of the answer has to be there. */
  readonly timeout: number;
}

/** Whether a URL can be asked for in this way: not through a proxy. */
export function isBulkPossible(url: URL): boolean {
  return (url.protocol === "http:" || url.protocol === "https:") && url.username === "" && proxyFor(url) === null;
}

/**
 * Asks for a URL by GET.
 *
 * @returns null for an answer that is not as plain as that: to be asked for again in Node's way
 * @throws the system's error for a host that cannot be reached, InterruptedTransferError when no answer comes in time
 */
export async function bulkGet(url: URL, request: BulkRequest): Promise<BulkAnswer | null> {
  request.signal?.throwIfAborted();
  for (;;) {
    const used = kept.get(url.origin)?.pop();
    const connection = used ?? new Connection(url);
    try {
      return await connection.ask(url, request);
    } catch (error) {
      // the server may have closed a kept connection at the moment when it was used again
      if (used === undefined || connection.hasAnswered || request.signal?.aborted) throw error;
    }
  }
}

/** Connections that wait for another request, by origin. */
const kept = new Map<string, Connection[]>();

/** Whoever waits for a part of the answer. */
interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

type Head = Omit<BulkAnswer, "body">;

class Connection {
  readonly #origin: string;
  readonly #socket: Socket;
  readonly #buffers = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)] as const;
  readonly #headBuffer = Buffer.allocUnsafeSlow(MAX_HEAD);
  #headEnd = 0;
  /** Which buffer fills with the body, and which bytes of it are not handed out yet. The other one may be in somebody's hands. */
  #filling = 0;
  #start = 0;
  #end = 0;
  /** The buffer is full, and nobody has asked for it: nothing is read. */
  #isPaused = false;
  /** When a chunk was handed out. */
  #last = 0;
  /** Bytes of the body that have not come; null: the head has not come. */
  #left: number | null = null;
  #head: Waiting<Head | null> | null = null;
  #chunk: Waiting<Buffer | null> | null = null;
  #isKept = true;
  #failure: Error | null = null;
  #timer: NodeJS.Timeout | undefined;
  #release: () => void = () => undefined;
  hasAnswered = false;

  constructor(url: URL) {
    this.#origin = url.origin;
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const onread = { buffer: () => this.#target(), callback: (count: number) => this.#came(count) };
    const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
    const options = { host, port, onread };
    // its types do not know `onread`, which Node documents
    const secure = { ...options, servername: isIP(host) ? "" : host, ALPNProtocols: ["http/1.1"] } as ConnectionOptions;
    this.#socket = url.protocol === "https:" ? connectSecure(secure) : connectPlain(options);
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(cut()));
    this.#socket.on("end", () => this.#abort(cut()));
    this.#socket.on("timeout", () => this.close());
  }

  /** Where the next bytes go. Asked for after each {@link #came}, and at no other time: only there may the answer change. */
  #target(): Buffer {
    if (this.#left === null || this.#left === 0) return this.#headBuffer.subarray(this.#headEnd);
    // while nothing is read, the buffer that will be free by then
    return this.#isPaused ? this.#buffers[1 - this.#filling]! : this.#buffers[this.#filling]!.subarray(this.#end);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Sends a request and waits for the head of the answer. */
  async ask(url: URL, { headers, signal, timeout }: BulkRequest): Promise<BulkAnswer | null> {
    if (this.#failure !== null) throw this.#failure;
    this.hasAnswered = false;
    this.#left = null;
    this.#socket.ref();
    this.#socket.setTimeout(0);
    const stop = (): void => this.#abort(signal!.reason as Error);
    signal?.addEventListener("abort", stop, { once: true });
    this.#release = () => signal?.removeEventListener("abort", stop);
    this.#timer = setTimeout(() => {
      const what = `${url.origin}${url.pathname}`;
      this.#abort(new InterruptedTransferError(`${what}: no answer for ${timeout / 1000} s`));
    }, timeout);
    const lines = Object.entries({ host: url.host, connection: "keep-alive", ...headers }).map(headerLine);
    const head = new Promise<Head | null>((resolve, reject) => (this.#head = { resolve, reject }));
    this.#socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
    const answer = await head;
    if (answer === null) {
      this.#abort(cut());
      return null;
    }
    const body = new BulkBody(
      () => this.#next(),
      (error) => this.#stop(error),
    );
    return { ...answer, body };
  }

  /** Bytes have come to where {@link #target} said. @returns whether more may come */
  #came(count: number): boolean {
    this.hasAnswered = true;
    if (this.#head !== null) return this.#readHead(count);
    if (this.#left === null || count > this.#left) {
      this.#abort(new InterruptedTransferError(`${this.#origin}: the server sends more than it says`));
      return false;
    }
    this.#end += count;
    this.#left -= count;
    this.#handOut(false);
    return !this.#isPaused;
  }

  #readHead(count: number): boolean {
    this.#headEnd += count;
    const bytes = this.#headBuffer.subarray(0, this.#headEnd);
    const length = bytes.indexOf("\r\n\r\n");
    if (length < 0) {
      if (this.#headEnd < MAX_HEAD) return true;
      this.#answer(null);
      return false;
    }
    const head = parseHead(bytes.toString("latin1", 0, length));
    const size = head === null ? null : plainLength(head);
    const rest = bytes.subarray(length + 4);
    // an error or a redirect has to be short, as its text is read in one piece
    if (head === null || size === null || rest.length > size || (head.status >= 300 && size > MAX_MESSAGE)) {
      this.#answer(null);
      return false;
    }
    this.#isKept = head.headers["connection"]?.toLowerCase() !== "close";
    this.#headEnd = 0;
    [this.#start, this.#end] = [0, rest.copy(this.#buffers[this.#filling]!)];
    this.#left = size - rest.length;
    this.#last = performance.now();
    this.#answer(head);
    return true;
  }

  #answer(head: Head | null): void {
    clearTimeout(this.#timer);
    const waiting = this.#head;
    this.#head = null;
    waiting?.resolve(head);
  }

  /** Gives what is there to whoever waits, when it is worth it; stops reading while both buffers are full. */
  #handOut(always: boolean): void {
    if (this.#chunk === null) {
      this.#isPaused = this.#end === CHUNK && this.#left! > 0;
      return;
    }
    const isWorthIt = always || this.#end === CHUNK || this.#left === 0 || performance.now() - this.#last > PATIENCE;
    if (this.#end > this.#start) {
      if (!isWorthIt) return;
      const chunk = this.#buffers[this.#filling]!.subarray(this.#start, this.#end);
      this.#filling = 1 - this.#filling;
      [this.#start, this.#end] = [0, 0];
      this.#last = performance.now();
      this.#settle((waiting) => waiting.resolve(chunk));
    } else if (this.#left === 0) {
      this.#finish();
      this.#settle((waiting) => waiting.resolve(null));
    } else if (this.#failure !== null) {
      this.#settle((waiting) => waiting.reject(this.#failure!));
    }
  }

  #settle(how: (waiting: Waiting<Buffer | null>) => void): void {
    const waiting = this.#chunk;
    this.#chunk = null;
    if (waiting !== null) how(waiting);
  }

  /** The next chunk; the one before goes back. */
  async #next(): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      this.#chunk = { resolve, reject };
      // at other times bytes are on their way to the buffer that fills, and the next of them hand it out
      if (this.#isPaused || this.#left === 0 || this.#failure !== null) this.#handOut(true);
      if (!this.#isPaused) return;
      this.#isPaused = false;
      this.#socket.resume();
    });
  }

  /** The whole answer was read: the connection waits for another request. */
  #finish(): void {
    this.#release();
    this.#left = null;
    const others = kept.get(this.#origin) ?? [];
    if (!this.#isKept || this.#failure !== null || others.length >= MAX_KEPT) return this.close();
    kept.set(this.#origin, [...others, this]);
    this.#socket.unref();
    this.#socket.setTimeout(KEPT_FOR);
  }

  /** The reader has gone, of a range often at its last byte. What is left of the answer would be in the way of the next one. */
  #stop(error: Error | null): void {
    if (this.#left === 0) this.#finish();
    else if (this.#left !== null) this.#abort(error ?? cut());
  }

  #abort(error: Error): void {
    this.#fail(error);
    this.close();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    clearTimeout(this.#timer);
    this.#release();
    const others = kept.get(this.#origin);
    if (others?.includes(this))
      kept.set(
        this.#origin,
        others.filter((each) => each !== this),
      );
    const head = this.#head;
    this.#head = null;
    head?.reject(this.#failure);
    // what came before the connection was cut is good
    this.#handOut(true);
  }
}

function cut(): InterruptedTransferError {
  return new InterruptedTransferError("the connection was cut");
}

/** @throws TypeError for what would become another header */
function headerLine([name, value]: readonly [string, string]): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value))
    throw new TypeError(`expected a header, got one named ${JSON.stringify(name)} with characters that it cannot have`);
  return `${name}: ${value}\r\n`;
}

/** null: not HTTP/1.1. */
function parseHead(text: string): Head | null {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) return null;
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined) return null;
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value!;
  }
  return { status: Number(status), headers };
}

/** Bytes of the body; null where it does not simply follow. */
function plainLength({ status, headers }: Head): number | null {
  if (status < 200 || status === 204 || status === 304) return null;
  const encoding = headers["content-encoding"] ?? "identity";
  const length = headers["content-length"] ?? "";
  if (headers["transfer-encoding"] !== undefined || encoding !== "identity" || !/^\d{1,15}$/.test(length)) return null;
  return Number(length);
}
