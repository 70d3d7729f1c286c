/** A Hugging Face Hub on the loopback, with the documented routes, and a second port in the part of its storage. */
import { createCipheriv, createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Fault, FaultyServer } from "./faulty-server";

/** A file of a repository. */
export interface HubFile {
  readonly content: Buffer;
  /** Stored elsewhere and known by its SHA-256. */
  readonly lfs: boolean;
}

/** A repository at its revisions. */
export interface HubRepo {
  readonly kind: "models" | "datasets";
  readonly name: string;
  /** Files by path, by revision; `main` is one. */
  readonly revisions: Record<string, Record<string, HubFile>>;
  /** Who asks without this token is told that there is no such repository. */
  readonly token?: string;
}

/** Bytes that differ from file to file. */
export function someBytes(length: number, seed = 1): Buffer {
  const key = Buffer.alloc(16, seed);
  return createCipheriv("aes-128-ctr", key, key).update(Buffer.alloc(length));
}

const sha1 = (text: string | Buffer): string => createHash("sha1").update(text).digest("hex");
const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
export const gitSha1 = (content: Buffer): string =>
  sha1(Buffer.concat([Buffer.from(`blob ${content.length}\0`), content]));

/** The hub. `storage` is the other host that large files are redirected to. */
export class HubServer extends FaultyServer {
  readonly repos: HubRepo[] = [];
  readonly storage = new StorageServer();
  /** Entries of a page of a listing. */
  pageSize = 1000;
  /** Whether large files are redirected to the storage. */
  redirects = true;

  override async start(): Promise<void> {
    await this.storage.start();
    await super.start();
  }

  override async close(): Promise<void> {
    await this.storage.close();
    await super.close();
  }

  /** Adds files to `main` of a repository; a Buffer of at least 1000 bytes is stored as a large file. */
  put(kind: HubRepo["kind"], name: string, files: Record<string, Buffer | string>, revision = "main"): HubRepo {
    let repo = this.repos.find((each) => each.kind === kind && each.name === name);
    if (repo === undefined) this.repos.push((repo = { kind, name, revisions: {} }));
    const of = (repo.revisions[revision] ??= {});
    for (const [path, content] of Object.entries(files)) {
      const bytes = Buffer.from(content);
      of[path] = { content: bytes, lfs: bytes.length >= 1000 };
    }
    return repo;
  }

  commitOf(repo: HubRepo, revision: string): string {
    return sha1(JSON.stringify([repo.name, revision, Object.keys(repo.revisions[revision] ?? {})]));
  }

  protected answer(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const url = new URL(request.url ?? "/", this.url);
    const api = /^\/api\/(models|datasets)\/([^/]+(?:\/[^/]+)?)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const resolve = /^\/(datasets\/)?([^/]+(?:\/[^/]+)?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const kind = api ? api[1]! : resolve?.[1] ? "datasets" : "models";
    const name = api?.[2] ?? resolve?.[2];
    const repo = this.repos.find((each) => each.kind === kind && each.name === name);
    if (repo === undefined || (repo.token && request.headers.authorization !== `Bearer ${repo.token}`))
      return fail(response, 401, "RepoNotFound", "Repository not found");
    const asked = decodeURIComponent(api?.[4] ?? resolve![3]!);
    const revision = Object.keys(repo.revisions).find((each) => each === asked || this.commitOf(repo, each) === asked);
    if (revision === undefined) return fail(response, 404, "RevisionNotFound", `Invalid rev id: ${asked}`);
    const files = repo.revisions[revision]!;
    if (api?.[3] === "revision") {
      const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
      return json(response, { id: name, sha: this.commitOf(repo, revision), siblings });
    }
    if (api) return this.#tree(url, files, response);
    const file = files[decodeURIComponent(resolve![4]!)];
    if (file === undefined) return fail(response, 404, "EntryNotFound", "Entry not found");
    this.#file(request, response, file, this.commitOf(repo, revision), fault);
  }

  #tree(url: URL, files: Record<string, HubFile>, response: ServerResponse): void {
    const entries = Object.entries(files).map(([path, { content, lfs }]) => ({
      type: "file",
      oid: lfs ? sha1("pointer" + path) : gitSha1(content),
      size: content.length,
      path,
      ...(lfs ? { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } } : {}),
    }));
    entries.unshift({ type: "directory", oid: sha1("d"), size: 0, path: "folder" });
    const at = Number(url.searchParams.get("cursor") ?? 0);
    const next = at + this.pageSize;
    if (next < entries.length) {
      url.searchParams.set("cursor", String(next));
      response.setHeader("link", `<${url.href}>; rel="next"`);
    }
    json(response, entries.slice(at, next));
  }

  #file(
    request: IncomingMessage,
    response: ServerResponse,
    file: HubFile,
    commit: string,
    fault: Fault | undefined,
  ): void {
    const { content, lfs } = file;
    const headers = { "x-repo-commit": commit, etag: `"${gitSha1(content)}"` };
    if (!lfs) return this.send(request, response, content, headers, fault);
    const linked = {
      "x-repo-commit": commit,
      "x-linked-etag": `"${sha256(content)}"`,
      "x-linked-size": String(content.length),
    };
    if (!this.redirects)
      return this.send(request, response, content, { ...linked, etag: linked["x-linked-etag"] }, fault);
    const location = this.storage.add(content);
    response.writeHead(302, { ...linked, location, "content-length": "0" }).end();
  }
}

/** Where large files are: another host, which must not see the token of the hub. */
export class StorageServer extends FaultyServer {
  readonly #contents = new Map<string, Buffer>();

  add(content: Buffer): string {
    const id = sha256(content);
    this.#contents.set(id, content);
    return `${this.url}/${id}?X-Amz-Signature=0123456789abcdef&X-Amz-Credential=signed`;
  }

  protected answer(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const content = this.#contents.get(new URL(request.url ?? "/", this.url).pathname.slice(1));
    if (content === undefined) return void response.writeHead(404).end();
    this.send(request, response, content, { etag: '"another"' }, fault);
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "x-error-code": code, "x-error-message": message, "content-type": "application/json" });
  response.end(JSON.stringify({ error: message }));
}
