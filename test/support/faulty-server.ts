/** Servers on the loopback that give files and, where they are told to, do it badly. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What goes wrong with a request. */
export interface Fault {
  /** Requests that it befalls: `GET /path?query`. */
  readonly match: RegExp;
  /** How often. Default: once */
  times?: number;
  /** This status instead of the answer. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The connection is cut after so many bytes of the content. */
  readonly cutAfter?: number;
  /** The content ends after so many bytes, as if that were all, in chunked encoding. */
  readonly endAfter?: number;
  /** `Content-Length` of another size, and that many bytes. */
  readonly wrongLength?: number;
  /** One bit of the content is another. */
  readonly corrupt?: boolean;
  /** No more bytes after so many, and the connection stays open. */
  readonly stallAfter?: number;
  /** The whole content although a range was asked for. */
  readonly ignoreRange?: boolean;
  /** Bytes in small pieces. */
  readonly slow?: boolean;
}

/** A request that came. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A server with faults; subclasses know what to answer. */
export abstract class FaultyServer {
  readonly requests: SeenRequest[] = [];
  readonly faults: Fault[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests whose `GET /path` matches. */
  seen(match: RegExp): SeenRequest[] {
    return this.requests.filter(({ method, url }) => match.test(`${method} ${url}`));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = request;
    this.requests.push({ method, url, headers: request.headers });
    const fault = this.#faultOf(`${method} ${url}`);
    if (fault?.status !== undefined) {
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
      return;
    }
    await this.answer(request, response, fault);
  }

  #faultOf(line: string): Fault | undefined {
    const index = this.faults.findIndex(({ match }) => match.test(line));
    const fault = this.faults[index];
    if (fault === undefined) return undefined;
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) this.faults.splice(index, 1);
    return fault;
  }

  protected abstract answer(
    request: IncomingMessage,
    response: ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> | void;

  /** Gives a content, or the range of it that was asked for. */
  protected send(
    request: IncomingMessage,
    response: ServerResponse,
    content: Buffer,
    headers: Record<string, string>,
    fault: Fault | undefined,
  ): void {
    const range = fault?.ignoreRange ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Math.min(Number(range[2]) + 1, content.length) : content.length;
    if (range && start >= content.length) {
      response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
      return;
    }
    let bytes = content.subarray(start, end);
    if (fault?.corrupt && bytes.length > 0) {
      bytes = Buffer.from(bytes);
      bytes[bytes.length - 1]! ^= 1;
    }
    if (fault?.wrongLength !== undefined) bytes = bytes.subarray(0, fault.wrongLength);
    const isCut = fault?.endAfter !== undefined;
    response.writeHead(range ? 206 : 200, {
      ...headers,
      ...(isCut ? {} : { "content-length": String(bytes.length) }),
      ...(range ? { "content-range": `bytes ${start}-${end - 1}/${content.length}` } : {}),
    });
    if (request.method === "HEAD") return void response.end();
    const { cutAfter, endAfter, stallAfter } = fault ?? {};
    if (endAfter !== undefined) response.end(bytes.subarray(0, endAfter));
    else if (cutAfter !== undefined)
      response.write(bytes.subarray(0, cutAfter), () => setImmediate(() => response.socket?.destroy()));
    else if (stallAfter !== undefined) response.write(bytes.subarray(0, stallAfter));
    else if (fault?.slow) this.#trickle(response, bytes);
    else response.end(bytes);
  }

  #trickle(response: ServerResponse, bytes: Buffer): void {
    const piece = Math.max(1, Math.ceil(bytes.length / 50));
    let at = 0;
    const next = (): void => {
      if (at >= bytes.length) return void response.end();
      response.write(bytes.subarray(at, (at += piece)), () => setImmediate(next));
    };
    next();
  }
}
