import { isIP } from "node:net";

/**
 * Whether a server on this address is seen by this machine alone.
 *
 * @param host a name or an address
 */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
