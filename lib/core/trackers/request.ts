/** The service refuses, and will again: a wrong key, an unknown project. */
export class ServiceRefusal extends Error {
  override readonly name = "ServiceRefusal";
}

/** Options of {@link requestJson}. */
export interface RequestOptions {
  readonly method: "GET" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes and forms are sent as they are, any other object as JSON. */
  readonly body?: object | undefined;
  /** Statuses besides 2xx that are an answer: null then. */
  readonly accept?: readonly number[];
}

/** Seconds until a request counts as failed. */
const TIMEOUT = 20;
/** Statuses after which another attempt may help, besides 5xx: request time-out, too early, too many requests. */
const TRANSIENT = [408, 425, 429];

/**
 * A request to a service of JSON.
 *
 * @throws ServiceRefusal for answers that another attempt does not change; Error otherwise. No message holds a header or a credential.
 */
export async function requestJson<T>(url: string, options: RequestOptions): Promise<T> {
  const text = await request(url, options);
  if (text === null) return null as T;
  try {
    return (text === "" ? {} : JSON.parse(text)) as T;
  } catch {
    throw new ServiceRefusal(`${placeOf(url)} answered something else than JSON: is it the right address?`);
  }
}

/**
 * A request whose answer may be anything, as that of a store of files.
 *
 * @returns the text of the answer; null for a status that is accepted
 * @throws as {@link requestJson}
 */
export async function request(
  url: string,
  { method, headers, body, accept = [] }: RequestOptions,
): Promise<string | null> {
  const place = placeOf(url);
  const { username, password } = new URL(url);
  const all: Record<string, string> = { ...headers };
  if (username) all["authorization"] ??= basicAuthorization(decodeURIComponent(username), decodeURIComponent(password));
  const isPlain = body !== undefined && !(body instanceof Uint8Array) && !(body instanceof FormData);
  if (isPlain) all["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(withoutCredentials(url), {
      method,
      headers: all,
      ...(body === undefined
        ? {}
        : { body: isPlain ? JSON.stringify(body) : (body as Uint8Array<ArrayBuffer> | FormData) }),
      signal: AbortSignal.timeout(TIMEOUT * 1000),
    });
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    throw new Error(`no answer from ${place} (${cause?.code ?? cause?.message ?? message})`);
  }
  const text = await response.text();
  if (accept.includes(response.status)) return null;
  if (!response.ok) {
    const message = `${place} answered ${response.status}: ${text.replace(/\s+/g, " ").slice(0, 300) || response.statusText}`;
    const isTransient = response.status >= 500 || TRANSIENT.includes(response.status);
    throw isTransient ? new Error(message) : new ServiceRefusal(message);
  }
  return text;
}

/** An address for messages: without query, user and password. */
function placeOf(url: string): string {
  return withoutCredentials(url.replace(/\?.*/, ""));
}

/** An address without user and password. */
export function withoutCredentials(url: string): string {
  return url.replace(/^(https?:\/\/)[^/@]*@/, "$1");
}

export function basicAuthorization(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}
