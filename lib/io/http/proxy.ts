/** Proxies as the environment names them: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case. */
import * as http from "node:http";
import * as https from "node:https";
import { isIP, type NetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import * as tls from "node:tls";
import { InterruptedTransferError, InvalidInputError, RemoteError } from "../errors";
import { registerSecret } from "../redact";

type Environment = Readonly<Record<string, string | undefined>>;

/** Connections that are kept open at a time, for each host. */
const MAX_SOCKETS = 64;
const OPTIONS = { keepAlive: true, maxSockets: MAX_SOCKETS } as const;

/** The proxy for a URL; null: none. */
export function proxyFor(url: URL, environment: Environment = process.env): URL | null {
  const variable = (name: string): string => environment[name.toLowerCase()] || environment[name.toUpperCase()] || "";
  const proxy = variable(url.protocol === "https:" ? "https_proxy" : "http_proxy") || variable("all_proxy");
  if (proxy === "" || isExcepted(url, variable("no_proxy"))) return null;
  let parsed: URL;
  try {
    parsed = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`);
  } catch {
    throw new InvalidInputError(
      "expected the URL of a proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, got something else",
    );
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    throw new InvalidInputError(`expected a proxy of http:// or https://, got one of ${parsed.protocol}//`);
  return parsed;
}

/** `NO_PROXY`: `*`, hosts, their domains (`example.org`, `.example.org`, `*.example.org`), each with a port or without. */
function isExcepted(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      const [, name = "", entryPort] =
        /^\*?\.?\[?(.*?)\]?(?::(\d+))?$/.exec(entry.includes("::") ? `[${entry}]` : entry) ?? [];
      if (name === "" || (entryPort !== undefined && entryPort !== port)) return false;
      return host === name || host.endsWith(`.${name}`);
    });
}

/** Agents that are used again, by proxy. */
const agents = new Map<string, { http: http.Agent; https: https.Agent }>();

/** The agents for a URL: they keep connections open, and go through its proxy. */
export function agentsFor(url: URL, environment: Environment = process.env): { http: http.Agent; https: https.Agent } {
  const proxy = proxyFor(url, environment);
  const key = proxy?.href ?? "";
  let pair = agents.get(key);
  if (pair === undefined) {
    pair =
      proxy === null
        ? { http: new http.Agent(OPTIONS), https: new https.Agent(OPTIONS) }
        : { http: new ForwardAgent(proxy), https: new TunnelAgent(proxy) };
    agents.set(key, pair);
  }
  return pair;
}

/** Closes connections that nobody uses any more. */
export function closeAgents(): void {
  for (const pair of agents.values()) {
    pair.http.destroy();
    pair.https.destroy();
  }
  agents.clear();
}

/** What Node's agents do without saying so in their types. */
interface AgentInternals {
  addRequest(request: http.ClientRequest, options: http.RequestOptions): void;
}

/** Requests of http:// are given to the proxy with the whole URL. */
class ForwardAgent extends http.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL) {
    super(OPTIONS);
    this.#proxy = proxy;
  }

  addRequest(request: http.ClientRequest, options: http.RequestOptions): void {
    const [host, port] = [options.host ?? "localhost", options.port ?? 80];
    request.path = new URL(request.path, `http://${bracketed(host)}:${port}`).href;
    const authorization = proxyAuthorization(this.#proxy);
    if (authorization !== null) request.setHeader("proxy-authorization", authorization);
    const parent = http.Agent.prototype as http.Agent & AgentInternals;
    parent.addRequest.call(this, request, { ...options, ...addressOf(this.#proxy) });
  }

  override createConnection(options: NetConnectOpts, done?: (error: Error | null, socket: Duplex) => void): Duplex {
    const address = addressOf(this.#proxy);
    if (this.#proxy.protocol === "https:")
      return tls.connect({ ...address, servername: isIP(address.host) ? "" : address.host });
    return super.createConnection({ ...options, ...address } as http.ClientRequestArgs, done) as Duplex;
  }
}

/** Connections of https:// go through a tunnel that the proxy makes when asked by CONNECT, so that it sees no headers. */
class TunnelAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL) {
    super(OPTIONS);
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    done?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { host, port, servername } = options as { host: string; port: number; servername?: string };
    const target = `${bracketed(host)}:${port}`;
    const authorization = proxyAuthorization(this.#proxy);
    const headers = { host: target, ...(authorization === null ? {} : { "proxy-authorization": authorization }) };
    const failed = done as ((error: Error) => void) | undefined;
    const { request } = this.#proxy.protocol === "https:" ? https : http;
    const connect = request({
      ...addressOf(this.#proxy),
      method: "CONNECT",
      path: target,
      headers,
      agent: false,
      timeout: 30_000,
    });
    connect.once("timeout", () => connect.destroy(new InterruptedTransferError("the proxy does not answer")));
    connect.once("error", (error) => failed?.(error));
    connect.once("connect", ({ statusCode = 0 }, socket) => {
      if (statusCode !== 200) {
        socket.destroy();
        const message = `the proxy ${this.#proxy.host} refuses a connection to ${target} with ${statusCode}`;
        failed?.(new RemoteError(message, { status: statusCode }));
        return;
      }
      done?.(
        null,
        tls.connect({
          ...(options as tls.ConnectionOptions),
          socket,
          servername: servername || (isIP(host) ? "" : host),
        }),
      );
    });
    connect.end();
  }
}

function addressOf({ protocol, hostname, port }: URL): { host: string; port: number } {
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || (protocol === "https:" ? 443 : 80) };
}

/** The header for a proxy that wants to know who asks; both forms of the password stay out of messages. */
function proxyAuthorization({ username, password }: URL): string | null {
  if (username === "") return null;
  const [name, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  const credentials = Buffer.from(`${name}:${secret}`).toString("base64");
  registerSecret(secret);
  registerSecret(credentials);
  return `Basic ${credentials}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
