/** Large objects by our own transfer: the SDK signs the request and reads the answer's head, the bytes do not go through its streams. */
import { bulkGet, isBulkPossible } from "../http/bulk";
import type { S3Client } from "./sdk";

/** A signed request of the SDK. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** How the SDK is told by whom a command is sent: what `send` gets comes to the handler. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
  /** The answer is large. */
  readonly bulk?: boolean;
}

interface Handler {
  handle(request: SdkRequest, options?: SendOptions): Promise<{ response: object }>;
}

/** Milliseconds until the head of an answer has to be there. */
const TIMEOUT = 30_000;

/** The client, which sends a command that is marked so by {@link bulkGet}. */
export function withBulk<T extends S3Client>(client: T): T {
  const { config } = client as unknown as { config: { requestHandler: Handler } };
  const usual = config.requestHandler;
  const handle: Handler["handle"] = async (request, options) => {
    const url = options?.bulk && request.method === "GET" ? urlOf(request) : null;
    if (url !== null && isBulkPossible(url)) {
      const answer = await bulkGet(url, { headers: request.headers, signal: options?.abortSignal, timeout: TIMEOUT });
      if (answer !== null)
        return { response: { statusCode: answer.status, headers: answer.headers, body: answer.body } };
    }
    return usual.handle(request, options);
  };
  config.requestHandler = new Proxy(usual, {
    get: (target, name) => {
      if (name === "handle") return handle;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
  return client;
}

/** Written as it was signed. */
function urlOf({ protocol, hostname, port, path, query = {} }: SdkRequest): URL {
  const escape = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === null ? [escape(key)] : [value].flat().map((each) => `${escape(key)}=${escape(each)}`),
  );
  const search = pairs.length > 0 ? `?${pairs.join("&")}` : "";
  return new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}${search}`);
}
