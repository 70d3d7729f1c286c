/** Hosts of `https://….noether.test` that only a proxy can reach. */
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * A certificate for `*.noether.test`, valid until 2126, and its key, which protects nothing. Made by
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=noether.test -addext subjectAltName=DNS:*.noether.test,IP:127.0.0.1`.
 */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBpjCCAUygAwIBAgIUZ8IeNMOp61yM58+USby55fzjW3MwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMbm9ldGhlci50ZXN0MCAXDTI2MTEyODIwMzEyM1oYDzIxMjYx
MTA0MjAzMTIzWjAXMRUwEwYDVQQDDAxub2V0aGVyLnRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASYSQ+wESXNuVZj/Fcgx0QAFNvIZzOOm4+fT6kw/ifimLuu
gjO4aBZbZ8JNQglIFjVg9Hpg/TCEBGcmxRVsepRho3QwcjAdBgNVHQ4EFgQUxPrs
Te3KqYxNp9t+rJq84nc3ReUwHwYDVR0jBBgwFoAUxPrsTe3KqYxNp9t+rJq84nc3
ReUwDwYDVR0TAQH/BAUwAwEB/zAfBgNVHREEGDAWgg4qLm5vZXRoZXIudGVzdIcE
fwAAATAKBggqhkjOPQQDAgNIADBFAiEAzh/E430F5sZY1PbjrMdwfIRZc0GzQW7U
K8NMPtMCrVoCICWNQWP8golEvUsjlix9hDaPu0XXCX6u73pVJdqQlXNA
-----END CERTIFICATE-----
`;
export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUeWbotQ4McBR3end
Vv6DfWlBrGMwzMIaHSVqSrfjz4yhRANCAASYSQ+wESXNuVZj/Fcgx0QAFNvIZzOO
m4+fT6kw/ifimLuugjO4aBZbZ8JNQglIFjVg9Hpg/TCEBGcmxRVsepRh
-----END PRIVATE KEY-----
`;

/** A proxy that knows where hosts are, and ends their encryption: what stands behind speaks plain HTTP. */
export class TlsProxy {
  /** What was asked for, with the credentials. */
  readonly lines: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<{ destroy(): void }>();

  /** @param hosts ports of the loopback by name, `hub.noether.test` */
  constructor(
    hosts: () => Readonly<Record<string, number>>,
    readonly credentials = "someone:pass word",
  ) {
    const expected = `Basic ${Buffer.from(credentials).toString("base64")}`;
    this.#server = createServer((request, response) => {
      this.lines.push(`${request.method} ${request.url}`);
      response.writeHead(502).end();
    });
    this.#server.on("connect", (request, socket: Socket) => {
      this.lines.push(`CONNECT ${request.url}`);
      socket.on("error", () => undefined);
      this.#sockets.add(socket);
      const port = hosts()[(request.url ?? "").replace(/:443$/, "")];
      if (request.headers["proxy-authorization"] !== expected)
        return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      if (port === undefined) return void socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const plain = new TLSSocket(socket, { isServer: true, key, cert: certificate });
      const target = connect(port, "127.0.0.1");
      this.#sockets.add(target);
      plain.on("error", () => target.destroy());
      target.on("error", () => socket.destroy());
      plain.pipe(target).pipe(plain);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Its URL, with the name and the password. */
  url(credentials = this.credentials): string {
    const [name = "", password = ""] = credentials.split(":").map(encodeURIComponent);
    return `http://${name}:${password}@127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
