import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { timingSafeEqual } from "node:crypto";
import type { fastify as makeFastify, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { pageScript, pageTemplate } from "../../core/built-page";
import { flattenConfig, PICTURES, readLog, readPictures, readRunConfig } from "../../core/runs";
import { optionalPackage } from "../../data/readers/optional-package";
import { chartData, type ChartRequest, metricsOf } from "./charts";
import { RunCatalogue } from "./run-catalogue";
import { readSweep } from "./sweep-table";

/** Options of {@link createDashboard}. */
export interface DashboardOptions {
  /** What browsers have to know: as `/?token=…` once, or `Authorization: Bearer …`. Null: none, and requests for other hosts than this machine are refused. */
  readonly token?: string | null;
  /** Milliseconds between looks at the files of runs, while somebody watches. Default 1000. */
  readonly pollEvery?: number;
}

interface Fastify {
  readonly fastify: typeof makeFastify;
}

/** What is wrong with a request, and its status. */
class Refusal extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** Looks for new runs in every so manieth look at the files. */
const SCAN_EVERY = 5;
const COOKIE = "noether_dashboard";
/** The page asks its own server alone, and nobody frames it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";
/** Of reports: pictures and styles within, no scripts. */
const REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/**
 * An HTTP server that shows the runs below a folder: a page, and what it asks for under `/api`. It reads; the only thing that it writes is
 * which runs are marked. It does not listen yet.
 *
 * @throws RuntimeError when the package fastify is not installed
 */
export async function createDashboard(
  root: string,
  { token = null, pollEvery = 1000 }: DashboardOptions = {},
): Promise<FastifyInstance> {
  const { fastify } = await optionalPackage<Fastify>("fastify", "HTTP requests (the dashboard)");
  const server = fastify({ bodyLimit: 2 ** 20, forceCloseConnections: true, logger: false });
  const catalogue = new RunCatalogue(root);
  await catalogue.scan();
  const watchers = new Watchers(catalogue, pollEvery);

  server.addHook("onRequest", async (request, reply) => {
    void reply.headers({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    if (token === null) requireThisMachine(request);
    else if (!takeToken(request, reply, token)) requireToken(request, token);
  });
  server.addHook("onClose", () => watchers.close());
  server.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    const status = error.statusCode ?? 500;
    return reply.status(status).send({ error: error.message });
  });
  server.setNotFoundHandler((request) => {
    throw new Refusal(404, `there is no ${request.method} ${request.url.replace(/\?.*/, "")}`);
  });

  const folderOf = (request: FastifyRequest): string => {
    const { run } = request.query as { run?: string };
    const folder = typeof run === "string" ? catalogue.folderOf(run) : undefined;
    if (folder === undefined) throw new Refusal(404, "there is no such run");
    return folder;
  };

  server.get("/", async (_, reply) =>
    reply.type("text/html; charset=utf-8").header("content-security-policy", POLICY).send(pageTemplate("dashboard")),
  );
  server.get("/dashboard.js", async (_, reply) =>
    reply.type("text/javascript; charset=utf-8").send(pageScript("dashboard")),
  );
  server.get("/api/runs", async () => {
    await catalogue.scan();
    return { title: catalogue.title, runs: catalogue.runs, sweeps: catalogue.sweeps };
  });
  server.get("/api/events", (request, reply) => watchers.add(request, reply));
  server.post("/api/metrics", async ({ body }) => metricsOf(catalogue, knownRuns(catalogue, body)));
  server.post("/api/charts", async ({ body }) => chartData(catalogue, chartRequest(catalogue, body)));
  server.get("/api/config", async (request) => flattenConfig(await readRunConfig(folderOf(request))));
  server.get("/api/log", async (request, reply) =>
    reply.type("text/plain; charset=utf-8").send(await readLog(folderOf(request))),
  );
  server.get("/api/pictures", async (request) => readPictures(folderOf(request)));
  server.get("/api/picture", async (request, reply) => {
    const folder = folderOf(request);
    const { file } = request.query as { file?: string };
    // by what is there, never by what a request spells
    const known = (await readPictures(folder)).some(({ files }) => Object.values(files).includes(file!));
    if (!known) throw new Refusal(404, "there is no such picture");
    return reply.type("image/png").send(createReadStream(join(folder, PICTURES, file!)));
  });
  server.get("/api/report", async (request, reply) => {
    const path = join(folderOf(request), "report.html");
    if (!existsSync(path)) throw new Refusal(404, "this run has no report yet");
    return reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", REPORT_POLICY)
      .send(createReadStream(path));
  });
  server.get("/api/sweep", async (request) => {
    const { sweep } = request.query as { sweep?: string };
    const folder = typeof sweep === "string" ? catalogue.sweepFolder(sweep) : undefined;
    if (folder === undefined) throw new Refusal(404, "there is no such sweep");
    return readSweep(folder);
  });
  server.put("/api/star", async (request) => {
    const { run, starred } = (request.body ?? {}) as { run?: unknown; starred?: unknown };
    if (typeof run !== "string" || catalogue.folderOf(run) === undefined)
      throw new Refusal(404, "there is no such run");
    if (typeof starred !== "boolean") throw new Refusal(400, "expected starred: true or false");
    catalogue.stars.set(run, starred);
    return { run, starred };
  });
  return server;
}

/** Browsers that watch; files are looked at as long as there is one. */
class Watchers {
  readonly #replies = new Set<FastifyReply>();
  #timer: NodeJS.Timeout | null = null;
  #looks = 0;

  constructor(
    private readonly catalogue: RunCatalogue,
    private readonly pollEvery: number,
  ) {}

  /** Server-sent events: `runs` with the runs that changed. */
  add(request: FastifyRequest, reply: FastifyReply): void {
    reply.hijack();
    reply.raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    reply.raw.write("retry: 2000\n\n");
    this.#replies.add(reply);
    request.raw.once("close", () => {
      this.#replies.delete(reply);
      if (this.#replies.size === 0) this.#stop();
    });
    this.#timer ??= setTimeout(() => void this.#look(), this.pollEvery);
  }

  async #look(): Promise<void> {
    try {
      const isScan = ++this.#looks % SCAN_EVERY === 0;
      const { changed, removed } = isScan
        ? await this.catalogue.scan()
        : { changed: await this.catalogue.refresh(), removed: [] };
      if (changed.length + removed.length > 0) {
        const runs = this.catalogue.runs.filter(({ id }) => changed.includes(id));
        this.#send("runs", { runs, removed, sweeps: this.catalogue.sweeps });
      } else if (this.#looks % 15 === 0) this.#send("alive", {});
    } catch {
      // a folder that cannot be read just now
    }
    if (this.#timer !== null) this.#timer = setTimeout(() => void this.#look(), this.pollEvery);
  }

  #send(event: string, data: object): void {
    for (const { raw } of this.#replies) raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  close(): void {
    this.#stop();
    for (const { raw } of this.#replies) raw.end();
  }
}

function knownRuns(catalogue: RunCatalogue, body: unknown): string[] {
  const { runs } = (body ?? {}) as { runs?: unknown };
  if (!Array.isArray(runs)) throw new Refusal(400, "expected runs: a list of ids");
  return runs.filter((run): run is string => typeof run === "string" && catalogue.folderOf(run) !== undefined);
}

function chartRequest(catalogue: RunCatalogue, body: unknown): ChartRequest {
  const { names, axis, points, range, smoothing } = (body ?? {}) as Record<string, unknown>;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string"))
    throw new Refusal(400, "expected names: a list of metrics");
  const { from, to } = (range ?? {}) as { from?: unknown; to?: unknown };
  return {
    runs: knownRuns(catalogue, body),
    names,
    axis: axis === "epoch" || axis === "sample" || axis === "time" ? axis : "update",
    points: Math.min(4096, Math.max(16, Math.floor(Number(points)) || 800)),
    smoothing: Math.min(0.999, Math.max(0, Number(smoothing) || 0)),
    ...(typeof from === "number" && typeof to === "number" && from < to ? { range: { from, to } } : {}),
  };
}

/** Without a token, other names than those of this machine are refused: a page elsewhere may have made its name point here. */
function requireThisMachine({ headers: { host = "", origin } }: FastifyRequest): void {
  const nameOf = (address: string): string => {
    try {
      return new URL(address).hostname;
    } catch {
      return "";
    }
  };
  const isOwn = (name: string): boolean => name === "localhost" || name === "[::1]" || /^127(\.\d+){3}$/.test(name);
  if (!isOwn(nameOf(`http://${host}`)))
    throw new Refusal(403, "expected a request to this machine: localhost or 127.0.0.1");
  if (origin !== undefined && origin !== `http://${host}`)
    throw new Refusal(403, "expected a request of the dashboard itself");
}

/** `/?token=…` puts the token into a cookie and leads to the page without it. */
function takeToken(request: FastifyRequest, reply: FastifyReply, token: string): boolean {
  const { token: given } = request.query as { token?: string };
  if (typeof given !== "string" || request.routeOptions.url !== "/" || !isSame(given, token)) return false;
  void reply
    .header("set-cookie", `${COOKIE}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`)
    .redirect("/", 303);
  return true;
}

function requireToken({ headers: { authorization = "", cookie = "" } }: FastifyRequest, token: string): void {
  const bearer = /^Bearer (.*)$/i.exec(authorization)?.[1];
  const kept = new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(cookie)?.[1];
  if (
    [bearer, kept === undefined ? undefined : decodeURIComponent(kept)].some(
      (given) => given !== undefined && isSame(given, token),
    )
  )
    return;
  throw new Refusal(401, "expected the token of this dashboard: open /?token=…");
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
