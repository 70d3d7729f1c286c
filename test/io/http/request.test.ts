import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { httpRequest, nameOf, textOf } from "../../../lib/io/http/request";
import { closeAgents, proxyFor } from "../../../lib/io/http/proxy";
import { configureLogging, sanitize } from "../../../lib/io";

interface Seen {
  readonly url: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

/** A server that redirects `/to?URL`, and answers everything else with what it saw. */
async function start(seen: Seen[]): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const { url = "", headers } = request;
    seen.push({ url, headers });
    const to = /^\/to\?(.*)$/.exec(url)?.[1];
    if (to !== undefined) response.writeHead(302, { location: decodeURIComponent(to) }).end();
    else response.end(`saw ${url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const [seenHere, seenThere]: [Seen[], Seen[]] = [[], []];
let here: Awaited<ReturnType<typeof start>>;
let there: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  configureLogging({ sink: () => undefined });
  [here, there] = [await start(seenHere), await start(seenThere)];
});
beforeEach(() => {
  seenHere.length = seenThere.length = 0;
});
afterAll(async () => {
  configureLogging();
  closeAgents();
  for (const { server } of [here, there]) await new Promise((resolve) => server.close(resolve));
});
const headers = { authorization: "Bearer secret-of-the-test" };
const get = async (url: string) => {
  const answer = await httpRequest(url, { headers });
  return { status: answer.status, text: await textOf(answer) };
};

test("a redirect to another host loses the token, one on the same host keeps it", async () => {
  expect((await get(`${here.url}/to?${encodeURIComponent(`${there.url}/x`)}`)).text).toBe("saw /x");
  expect(seenHere[0]!.headers["authorization"]).toBe(headers.authorization);
  expect(seenThere[0]!.headers["authorization"]).toBeUndefined();
  expect((await get(`${here.url}/to?%2Fy`)).text).toBe("saw /y");
  expect(seenHere.at(-1)!.headers["authorization"]).toBe(headers.authorization);
});

test("the token does not come back when a redirect does", async () => {
  const back = `${there.url}/to?${encodeURIComponent(`${here.url}/end`)}`;
  expect((await get(`${here.url}/to?${encodeURIComponent(back)}`)).text).toBe("saw /end");
  expect(seenHere.at(-1)!.headers["authorization"]).toBeUndefined();
});

test("redirects in a circle end", async () => {
  const loop = await startLoop();
  await expect(get(`${loop.url}/`)).rejects.toThrow("redirects");
  await new Promise((resolve) => loop.server.close(resolve));
});

async function startLoop(): Promise<{ server: Server; url: string }> {
  const server = createServer((_, response) => response.writeHead(307, { location: "/again" }).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test.each(["file:///etc/passwd", "ftp://x/y", "http://["])("a redirect to %s is refused", async (to) => {
  await expect(get(`${here.url}/to?${encodeURIComponent(to)}`)).rejects.toThrow("redirects to");
});

test("names of URLs have no query, where signatures are", () =>
  expect(nameOf(new URL("https://user:pw@host/a/b?X-Amz-Signature=1"))).toBe("https://host/a/b"));

test.each([
  [{ HTTPS_PROXY: "http://p:1" }, "https://x.org", "http://p:1/"],
  [{ HTTPS_PROXY: "http://p:1" }, "http://x.org", null],
  [{ http_proxy: "p:1" }, "http://x.org", "http://p:1/"],
  [{ ALL_PROXY: "http://p:1" }, "http://x.org", "http://p:1/"],
  [{ ALL_PROXY: "http://p:1", NO_PROXY: "*" }, "http://x.org", null],
  [{ ALL_PROXY: "http://p:1", no_proxy: "a.b, x.org" }, "http://x.org", null],
  [{ ALL_PROXY: "http://p:1", NO_PROXY: ".x.org" }, "http://sub.x.org", null],
  [{ ALL_PROXY: "http://p:1", NO_PROXY: "x.org" }, "http://notx.org", "http://p:1/"],
  [{ ALL_PROXY: "http://p:1", NO_PROXY: "x.org:8080" }, "http://x.org", "http://p:1/"],
  [{ ALL_PROXY: "http://p:1", NO_PROXY: "127.0.0.1" }, "http://127.0.0.1:99", null],
])("%j, %s: %s", (environment, url, proxy) => expect(proxyFor(new URL(url), environment)?.href ?? null).toBe(proxy));

describe("through a proxy", () => {
  const lines: string[] = [];
  let proxy: Server;
  let variable = "";
  beforeAll(async () => {
    proxy = createServer((request, response) => {
      lines.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
      response.end("from the proxy");
    });
    proxy.on("connect", (request, socket) => {
      lines.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"]}`);
      if (request.url!.startsWith("refused")) return void socket.end("HTTP/1.1 403 no\r\n\r\n");
      const { hostname, port } = new URL(`http://${request.url}`);
      const target = connect(Number(port), hostname, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        target.pipe(socket).pipe(target);
      });
      target.on("error", () => socket.destroy());
      socket.on("error", () => target.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    variable = `http://someone:pass%20word@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    lines.length = 0;
    process.env["HTTP_PROXY"] = process.env["HTTPS_PROXY"] = variable;
  });
  afterEach(() => {
    delete process.env["HTTP_PROXY"];
    delete process.env["HTTPS_PROXY"];
  });
  afterAll(async () => {
    closeAgents();
    await new Promise((resolve) => proxy.close(resolve));
  });
  const basic = `Basic ${Buffer.from("someone:pass word").toString("base64")}`;

  test("requests of http:// have the whole URL", async () => {
    expect((await get("http://elsewhere.test/a?b=1")).text).toBe("from the proxy");
    expect(lines).toEqual([`GET http://elsewhere.test/a?b=1 ${basic}`]);
  });

  test("https:// goes through a tunnel; one that is refused is an error without secrets", async () => {
    await expect(get("https://refused.test/")).rejects.toThrow(
      /^the proxy 127\.0\.0\.1:\d+ refuses a connection to refused\.test:443 with 403$/,
    );
    expect(lines).toEqual([`CONNECT refused.test:443 ${basic}`]);
    expect(sanitize(`${variable} ${basic} pass word`)).not.toMatch(/pass|c29t/);
  });

  test("the tunnel carries what is spoken", async () => {
    // the server speaks no TLS: what comes back shows that the handshake reached it
    await expect(get(here.url.replace("http:", "https:"))).rejects.toThrow(/SSL|EPROTO|ECONNRESET|socket/i);
    expect(lines).toEqual([`CONNECT ${new URL(here.url).host} ${basic}`]);
  });
});
