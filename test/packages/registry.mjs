// A registry for npm and pnpm that has some packed packages, and takes the rest from the one that npm is configured with.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename } from "node:path";
import { Readable } from "node:stream";

/** Serves the given .tgz files on the loopback address; `url` is the registry's, `close` ends it. */
export async function startRegistry(tarballs) {
  const upstream = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim().replace(/\/$/, "");
  const packages = new Map(tarballs.map((path) => [manifestOf(path).name, path]));

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      response.writeHead(502).end(String(error));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;

  async function answer(request, response) {
    const path = decodeURIComponent(request.url);
    const tarball = tarballs.find((file) => path === `/packed/${basename(file)}`);
    if (tarball) return response.end(readFileSync(tarball));
    const packed = packages.get(path.slice(1));
    if (packed) {
      const manifest = manifestOf(packed);
      const integrity = `sha512-${createHash("sha512").update(readFileSync(packed)).digest("base64")}`;
      const dist = { tarball: `${url}/packed/${basename(packed)}`, integrity };
      const versions = { [manifest.version]: { ...manifest, dist } };
      const document = { name: manifest.name, "dist-tags": { latest: manifest.version }, versions };
      return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
    }
    const { accept } = request.headers;
    const reply = await fetch(`${upstream}${request.url}`, { headers: accept ? { accept } : {} });
    const type = reply.headers.get("content-type") ?? "application/octet-stream";
    response.writeHead(reply.status, { "content-type": type });
    // archives are fetched through here too: a client in an empty environment may not reach the other one
    if (type.includes("json")) response.end((await reply.text()).replaceAll(upstream, url));
    else if (reply.body) Readable.fromWeb(reply.body).pipe(response);
    else response.end();
  }

  return { url, close: () => server.close() };
}

function manifestOf(tarball) {
  return JSON.parse(execFileSync("tar", ["xzOf", tarball, "package/package.json"], { encoding: "utf8" }));
}
