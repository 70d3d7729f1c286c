import { IntegrityError, type IoError, messageOf, NotFoundError, RemoteError } from "../errors";
import { systemClock } from "../http/clock";
import { parseRetryAfter } from "../http/retry";

/** What the SDK throws. */
interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** Codes for "ask more slowly", with whatever status. */
const THROTTLED =
  /^(SlowDown|Throttl\w*|TooManyRequests\w*|RequestLimitExceeded|BandwidthLimitExceeded|RequestThrottled\w*)$/;

/** The error of a request in our own terms: with its status, so that others know whether to try again. */
export function s3Error(error: unknown, what: string): unknown {
  const { $metadata, $response, name } = error as ServiceError;
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return error instanceof Error ? asRemote(error, what) : error;
  // the answer to HEAD has no text, of which the SDK makes this
  const said = (error as Error).message === "UnknownError" ? "" : `: ${messageOf(error)}`;
  const message = `${what}: ${status} ${name}${said}`;
  if (status === 404) return new NotFoundError(message, { cause: error });
  if (status === 412)
    return new IntegrityError(`${what}: changed while it was fetched: fetch it anew`, { cause: error });
  const retryAfter = parseRetryAfter($response?.headers?.["retry-after"], systemClock.now());
  return new RemoteError(
    status === 401 || status === 403
      ? `${message}: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy`
      : message,
    // an answer of 2xx that cannot be understood was cut
    { status: THROTTLED.test(name) || status < 300 ? 503 : status, retryAfter, cause: error },
  );
}

/** Errors without an answer keep what they are: their code says whether another try helps. */
function asRemote(error: Error, what: string): IoError | Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined || error.name === "TimeoutError")
    return new RemoteError(`${what}: ${messageOf(error)}`, {
      cause: code === undefined ? Object.assign(error, { code: "ETIMEDOUT" }) : error,
    });
  return error;
}
