/** Requests to the Hugging Face Hub. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { credentialsIfAny, registerSecret } from "../credentials";
import { IoError, messageOf, RemoteError, systemCode } from "../errors";
import { errorOf, expectHttpUrl, header, type HttpAnswer, httpRequest, textOf } from "../http/request";
import { optionalPackage } from "../optional-package";
import { type RetryOptions, withRetries } from "../http/retry";
import { type HubRepoRef, nameOfRepo } from "./repo";

/** How the hub is asked. */
export interface HubOptions extends RetryOptions {
  /** null: anonymous. Default: `HF_TOKEN` of the environment or the config file, else that of the hub's own login */
  readonly token?: string | null;
  /** Default: `HF_ENDPOINT`, else `https://huggingface.co` */
  readonly endpoint?: string;
}

/** A file in a listing. */
export interface HubEntry {
  /** POSIX path in the repository. */
  readonly path: string;
  readonly size: number;
  /** SHA-256 of a large file, git's SHA-1 of others. */
  readonly etag: string;
}

/** What a file is asked for before it is fetched. */
export interface HubFileInfo extends HubEntry {
  readonly commit: string;
}

/** A hub with the token for it. */
export class Hub {
  readonly endpoint: string;
  readonly #token: string | null;
  readonly retry: RetryOptions;

  constructor(options: HubOptions = {}) {
    const { token, endpoint, ...retry } = options;
    this.endpoint = expectHttpUrl(
      endpoint ?? (process.env["HF_ENDPOINT"] || "https://huggingface.co"),
      "HF_ENDPOINT",
    ).replace(/\/+$/, "");
    this.#token = token === undefined ? tokenIfAny() : token || null;
    registerSecret(this.#token);
    this.retry = retry;
  }

  get headers(): Record<string, string> {
    return {
      "user-agent": "noether-ts",
      ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
    };
  }

  /** Whether requests say who asks. */
  get isAnonymous(): boolean {
    return this.#token === null;
  }

  /** URL of a file of a repository. */
  urlOf({ repoId, repoType, revision }: HubRepoRef, path: string): string {
    const folder = repoType === "dataset" ? "datasets/" : "";
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    return `${this.endpoint}/${folder}${repoId}/resolve/${encodeURIComponent(revision)}/${encoded}`;
  }

  /** The commit that a revision is. */
  async commitOf(ref: HubRepoRef): Promise<string> {
    const url = `${this.endpoint}/api/${ref.repoType}s/${ref.repoId}/revision/${encodeURIComponent(ref.revision)}`;
    const { sha } = JSON.parse((await this.#get(url, nameOfRepo(ref))).text) as { sha?: unknown };
    if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha))
      throw new RemoteError(`${nameOfRepo(ref)}: expected a commit from ${this.endpoint}, got ${JSON.stringify(sha)}`);
    return sha;
  }

  /** All files of a revision. */
  async list(ref: HubRepoRef): Promise<HubEntry[]> {
    refuseOffline(nameOfRepo(ref));
    const hub = await optionalPackage<HubPackage>("@huggingface/hub", "lists repositories of Hugging Face");
    const found = hub.listFiles({
      repo: { type: ref.repoType, name: ref.repoId },
      revision: encodeURIComponent(ref.revision),
      recursive: true,
      hubUrl: this.endpoint,
      fetch: async (url) => {
        const { text, answer } = await this.#get(String(url), nameOfRepo(ref));
        const link = header(answer, "link");
        return new Response(text, { status: answer.status, headers: link === null ? {} : { Link: link } });
      },
    });
    const entries: HubEntry[] = [];
    for await (const { type, path, size, oid, lfs } of found) {
      if (type === "file") entries.push({ path, size: lfs?.size ?? size, etag: lfs?.oid ?? oid ?? "" });
    }
    return entries;
  }

  /** What the hub says of one file. */
  async head(ref: HubRepoRef, path: string): Promise<HubFileInfo> {
    const name = `${nameOfRepo(ref)}/${path}`;
    const answer = await this.#request(this.urlOf(ref, path), name, "HEAD");
    answer.body.resume();
    const etag = (header(answer, "x-linked-etag") ?? header(answer, "etag") ?? "")
      .replace(/^W\//, "")
      .replaceAll('"', "");
    const commit = header(answer, "x-repo-commit") ?? "";
    const length = header(answer, "x-linked-size") ?? header(answer, "content-length");
    const size = length === null ? NaN : Number(length);
    if (etag === "" || commit === "" || !Number.isSafeInteger(size))
      throw new RemoteError(`${name}: expected etag, commit and size from ${this.endpoint}: is it a hub?`);
    return { path, etag, commit, size };
  }

  async #get(url: string, what: string): Promise<{ text: string; answer: HttpAnswer }> {
    return withRetries(
      what,
      async () => {
        const answer = await this.#once(url, what, "GET");
        return { text: await textOf(answer), answer };
      },
      this.retry,
    );
  }

  async #request(url: string, what: string, method: "GET" | "HEAD"): Promise<HttpAnswer> {
    return withRetries(what, () => this.#once(url, what, method), this.retry);
  }

  async #once(url: string, what: string, method: "GET" | "HEAD"): Promise<HttpAnswer> {
    refuseOffline(what);
    const redirects = method === "HEAD" ? "same-host" : "all";
    // the token goes to the hub only, wherever the next page is said to be
    const headers = new URL(url).origin === new URL(this.endpoint).origin ? this.headers : {};
    const { signal } = this.retry;
    const answer = await httpRequest(url, { method, headers, signal, redirects, timeout: timeoutOf("ETAG") }).catch(
      (error: unknown) => {
        if (systemCode(error) === undefined || error instanceof IoError || signal?.aborted) throw error;
        const host = new URL(url).host;
        throw new RemoteError(`${what}: ${host} cannot be reached: ${messageOf(error)}`, { cause: error });
      },
    );
    if (answer.status < 400) return answer;
    throw await this.explain(answer, what);
  }

  /** The error of an answer, with what may help. */
  async explain(answer: HttpAnswer, what: string): Promise<IoError> {
    const error = await errorOf(answer, what);
    const isHidden = answer.status === 401 || answer.status === 403;
    const hint = this.isAnonymous
      ? "it may not exist, or need a token (HF_TOKEN)"
      : "it may not exist, or the token has no access";
    return isHidden ? new RemoteError(`${error.message}; ${hint}`, { status: answer.status }) : error;
  }
}

/** What is used of the package. */
interface HubPackage {
  listFiles(params: {
    repo: { type: "model" | "dataset"; name: string };
    revision: string;
    recursive: boolean;
    hubUrl: string;
    fetch: (url: string | URL | Request) => Promise<Response>;
  }): AsyncIterable<{ type: string; path: string; size: number; oid?: string; lfs?: { oid: string; size: number } }>;
}

/** Milliseconds of `HF_HUB_ETAG_TIMEOUT` or `HF_HUB_DOWNLOAD_TIMEOUT`, which are in seconds. Default: 10 s */
export function timeoutOf(what: "ETAG" | "DOWNLOAD"): number {
  const seconds = Number(process.env[`HF_HUB_${what}_TIMEOUT`] || 10);
  return seconds > 0 ? seconds * 1000 : 10_000;
}

function refuseOffline(what: string): void {
  if (/^(1|on|yes|true)$/i.test(process.env["HF_HUB_OFFLINE"] ?? ""))
    throw new IoError("IO_OFFLINE", `${what}: HF_HUB_OFFLINE forbids to ask the hub`);
}

/** The token of the environment, the config file, or the hub's own login. */
function tokenIfAny(): string | null {
  const home = process.env["HF_HOME"] || join(homedir(), ".cache", "huggingface");
  const login = process.env["HF_TOKEN_PATH"] || join(home, "token");
  try {
    const token = process.env["HF_TOKEN"] ? "" : readFileSync(login, "utf8").trim();
    if (token !== "") return token;
  } catch (error) {
    if (!/ENOENT|ENOTDIR/.test(messageOf(error)))
      throw new IoError("IO_CONFIG_FILE", `cannot read ${login}: ${messageOf(error)}`);
  }
  return credentialsIfAny("huggingface")["HF_TOKEN"] ?? null;
}
