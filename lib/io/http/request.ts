import * as http from "node:http";
import * as https from "node:https";
import type { Readable } from "node:stream";
import { InterruptedTransferError, InvalidInputError, NotFoundError, RemoteError } from "../errors";
import { log } from "../logging";
import { systemClock } from "./clock";
import { parseRetryAfter } from "./retry";
import { bulkGet, isBulkPossible } from "./bulk";
import { agentsFor } from "./proxy";

/** A request; redirects are followed. */
export interface HttpRequest {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Milliseconds until the headers of the answer have to be there. Default: 30 000 */
  readonly timeout?: number;
  /** Which redirects are followed. Default: all; `same-host`: those that stay on the host */
  readonly redirects?: "all" | "same-host";
  /** The answer is large: its body may be a {@link BulkBody}. Default: false */
  readonly bulk?: boolean;
}

/** An answer; whoever gets it reads or destroys the body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Readable;
  /** After redirects. */
  readonly url: URL;
}

const MAX_REDIRECTS = 10;
/** Headers that only the host sees for which they were meant. */
const PRIVATE_HEADERS = ["authorization", "cookie", "proxy-authorization"];

/**
 * Sends a request; any status is an answer.
 *
 * @throws RemoteError for a redirect that leads nowhere, InterruptedTransferError when no answer comes in time, and the system's error
 *   for a host that cannot be reached
 */
export async function httpRequest(url: string | URL, request: HttpRequest = {}): Promise<HttpAnswer> {
  let at = new URL(url);
  let headers: Record<string, string> = { "accept-encoding": "identity", ...request.headers };
  for (let hops = 0; ; hops++) {
    const answer =
      (request.bulk ? await sendBulk(at, { ...request, headers }) : null) ?? (await send(at, { ...request, headers }));
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
    const next = resolveLocation(location, at);
    if (request.redirects === "same-host" && next.host !== at.host) return answer;
    answer.body.resume();
    if (hops === MAX_REDIRECTS) throw new RemoteError(`${nameOf(at)}: more than ${MAX_REDIRECTS} redirects`);
    // the port tells hosts apart, too; and a secret never leaves an encrypted connection
    if (next.host !== at.host || (at.protocol === "https:" && next.protocol === "http:"))
      headers = Object.fromEntries(
        Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.includes(name.toLowerCase())),
      );
    at = next;
  }
}

function resolveLocation(location: string, base: URL): URL {
  let url: URL;
  try {
    url = new URL(location, base);
  } catch (error) {
    throw new RemoteError(`${nameOf(base)}: redirects to something that is no URL`, { cause: error });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new RemoteError(`${nameOf(base)}: redirects to a URL of ${url.protocol}`);
  return url;
}

/** null: the answer, or the way to it, is not as plain as that. */
async function sendBulk(url: URL, { headers = {}, signal, timeout = 30_000 }: HttpRequest): Promise<HttpAnswer | null> {
  if (!isBulkPossible(url)) return null;
  const answer = await bulkGet(url, { headers, signal, timeout });
  if (answer !== null) log.debug(`GET ${nameOf(url)} ${answer.status}`);
  return answer === null ? null : { ...answer, url };
}

function send(url: URL, { method = "GET", headers, signal, timeout = 30_000 }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const isSecure = url.protocol === "https:";
    const agents = agentsFor(url);
    const { request } = isSecure ? https : http;
    const options = { method, headers, signal, agent: isSecure ? agents.https : agents.http };
    const outgoing = request(url, options, (body) => {
      clearTimeout(timer);
      log.debug(`${method} ${nameOf(url)} ${body.statusCode}`);
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body, url });
    });
    const timer = setTimeout(() => {
      outgoing.destroy(new InterruptedTransferError(`${nameOf(url)}: no answer for ${timeout / 1000} s`));
    }, timeout);
    outgoing.once("error", (error) => {
      clearTimeout(timer);
      reject(signal?.aborted ? (signal.reason as Error) : error);
    });
    outgoing.end();
  });
}

/** @throws InvalidInputError for what is no URL of HTTP; `name` is where it comes from */
export function expectHttpUrl(url: string, name: string): string {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    throw new InvalidInputError(
      `expected ${name} to be a URL that begins with http:// or https://, got ${JSON.stringify(url)}`,
    );
  return url;
}

/** A URL for messages: what follows the path may be a signature. */
export function nameOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The text of an answer, of at most so many bytes. */
export async function textOf({ body, url }: HttpAnswer, limit = 64 * 2 ** 20): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw new RemoteError(`${nameOf(url)}: an answer of more than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof RemoteError) throw error;
    throw new InterruptedTransferError(`${nameOf(url)}: the connection was cut`, { cause: error });
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * The error that an answer is. Reads the body.
 *
 * @param what what was asked for, for the message
 */
export async function errorOf(answer: HttpAnswer, what: string): Promise<RemoteError | NotFoundError> {
  const text = await textOf(answer, 2 ** 20).catch(() => "");
  const said = header(answer, "x-error-message") ?? errorIn(text);
  const code = header(answer, "x-error-code");
  const message = `${what}: ${answer.status}${code ? ` ${code}` : ""}${said ? `: ${said}` : ""}`;
  if (answer.status === 404) return new NotFoundError(message);
  const retryAfter = parseRetryAfter(header(answer, "retry-after"), systemClock.now());
  return new RemoteError(message, { status: answer.status, retryAfter });
}

/** One header of an answer. */
export function header({ headers }: Pick<HttpAnswer, "headers">, name: string): string | null {
  const value = headers[name];
  return Array.isArray(value) ? (value[0] ?? null) : (value ?? null);
}

/** `{"error": "…"}`, or the beginning of a text that is no page. */
function errorIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string") return error;
  } catch {
    // no JSON
  }
  return text.trimStart().startsWith("<") ? "" : text.slice(0, 200).trim();
}
