/** Large objects by our own transfer: the SDK signs the request and reads the answer's head, the bytes do not go through its streams. */
import { bulkGet, isBulkPossible } from "../http/bulk";
import type { S3Client, SdkHandler, SdkRequest } from "./sdk";

/** Milliseconds until the head of an answer has to be there. */
const TIMEOUT = 30_000;

/** The client, which sends a command that is marked so by {@link bulkGet}. */
export function withBulk<T extends S3Client & { readonly config: { requestHandler: SdkHandler } }>(client: T): T {
  const { config } = client;
  const usual = config.requestHandler;
  const handle: SdkHandler["handle"] = async (request, options) => {
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
