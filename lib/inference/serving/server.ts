import { timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import type { fastify as makeFastify, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { DisposedError } from "../../torch";
import { FileNotFoundError, RuntimeError, ValueError } from "../../config/python-errors";
import { optionalPackage } from "../../data/readers/optional-package";
import { type PredictionPool, QueueFullError } from "../pool/prediction-pool";
import { ANSWERS } from "../requests/answer";
import type { RequestResult, RequestTask } from "../requests/request";
import { RequestError } from "../requests/request-error";
import { viewerPage } from "../scene/page";
import { describeRun } from "./describe-run";
import { ServiceMetrics } from "./metrics";
import { openApi } from "./open-api";

/** Options of {@link createServer}. */
export interface ServerOptions {
  /** Needed in the header `Authorization: Bearer …` of every request but those for the page itself and `/healthz`. */
  readonly token?: string | null;
  /** Largest body of a request in bytes. Default: 256 MiB. */
  readonly maxBody?: number;
  /** Most points of one input. Default: 5,000,000. */
  readonly maxPoints?: number;
  /** Seconds after which a prediction is given up. Default: 300. */
  readonly timeout?: number;
  /**
   * File of a module that makes cases from numbers, for which the page has sliders: it runs in the browser, without imports, and exports
   * `parameters` and `makeCase` (docs/serving.md). Default: none.
   */
  readonly shapes?: string | null;
}

interface Fastify {
  readonly fastify: typeof makeFastify;
}

const DEFAULTS = { token: null, maxBody: 256 * 2 ** 20, maxPoints: 5_000_000, timeout: 300, shapes: null } as const;
/** Routes without a token: the page, which holds nothing of the run and asks for the token, and whether the server is well. */
const OPEN_ROUTES: readonly string[] = ["/", "/healthz"];
/** Media type of streamed answers: lines of JSON, progress and then the result. */
const LINES = "application/x-ndjson";

/**
 * An HTTP server that predicts with a pool: `POST /predict`, `GET /run`, `/healthz`, `/metrics` (Prometheus) and `/openapi.json`.
 * It does not listen yet, and does not own the pool.
 *
 * @throws RuntimeError when the package fastify is not installed, FileNotFoundError without the file of `shapes`
 */
export async function createServer(pool: PredictionPool, options: ServerOptions = {}): Promise<FastifyInstance> {
  const { token, maxBody, maxPoints, timeout, shapes } = { ...DEFAULTS, ...options };
  const shapesModule = shapes === null ? null : readShapes(shapes);
  const { fastify } = await optionalPackage<Fastify>("fastify", "HTTP requests (noether-ts serve)");
  const server = fastify({ bodyLimit: maxBody, forceCloseConnections: "idle", logger: false });
  const metrics = new ServiceMetrics(pool);

  server.removeAllContentTypeParsers();
  // bodies go to the prediction threads as they came
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  server.addHook("onRequest", async (request) => {
    if (token !== null && !OPEN_ROUTES.includes(request.routeOptions.url ?? "")) requireToken(request, token);
  });
  server.addHook("onResponse", async (request, reply) => {
    metrics.count(request.routeOptions.url ?? "unknown", reply.statusCode, reply.elapsedTime / 1000);
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    const status = statusOf(error);
    if (status === 429) void reply.header("retry-after", "1");
    if (status === 401) void reply.header("www-authenticate", "Bearer");
    return reply.status(status).send({ error: status === 500 ? "the prediction failed" : error.message });
  });
  server.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .send({ error: `there is no ${request.method} ${request.url.replace(/\?.*/, "")}; see /openapi.json` }),
  );

  server.get("/", async (_, reply) => reply.type("text/html; charset=utf-8").send(viewerPage(null)));
  server.get("/healthz", async () => ({ status: "ok", threads: pool.size, busy: pool.busy, waiting: pool.waiting }));
  server.get("/metrics", async (_, reply) => reply.type("text/plain; version=0.0.4").send(metrics.text()));
  server.get("/run", async () => ({ ...describeRun(pool.run), shapes: shapesModule !== null }));
  if (shapesModule !== null)
    server.get("/shapes.mjs", async (_, reply) => reply.type("text/javascript; charset=utf-8").send(shapesModule));
  server.get("/openapi.json", async () =>
    openApi(pool.run, { hasToken: token !== null, hasShapes: shapesModule !== null }),
  );
  server.post("/predict", async (request, reply) => {
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new RequestError(504, `the prediction took longer than ${timeout} s`)),
      timeout * 1000,
    );
    const onClose = (): void => {
      if (!reply.raw.writableFinished) controller.abort(new RequestError(499, "the client has gone"));
    };
    reply.raw.once("close", onClose);
    try {
      const accept = acceptOf(request);
      if (accept === LINES) return await streamLines(pool, request, reply, { maxPoints, signal: controller.signal });
      const { body, contentType } = await answer(pool, request, { accept, maxPoints, signal: controller.signal });
      return await reply.type(contentType).send(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    } finally {
      clearTimeout(timer);
      reply.raw.off("close", onClose);
    }
  });
  return server;
}

function readShapes(path: string): string {
  if (!existsSync(path) || !statSync(path).isFile())
    throw new FileNotFoundError(
      `${path}: expected the file of a module that exports parameters and makeCase, got none`,
    );
  return readFileSync(path, "utf8");
}

interface AnswerOptions {
  readonly maxPoints: number;
  readonly signal: AbortSignal;
  readonly accept?: string;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

async function answer(
  pool: PredictionPool,
  request: FastifyRequest,
  { accept = "application/json", maxPoints, signal, onProgress }: AnswerOptions,
): Promise<RequestResult> {
  const { body } = request;
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw new RequestError(400, "expected a body with the inputs of a case, got none");
  const contentType = (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
  const query = request.query as RequestTask["query"];
  return pool.answer(
    { body, contentType, query, accept, maxPoints },
    { signal, ...(onProgress ? { onProgress } : {}) },
  );
}

/** Lines of JSON as they come: `{"done": …, "total": …}`, then the answer, or `{"error": …}`. */
async function streamLines(
  pool: PredictionPool,
  request: FastifyRequest,
  reply: FastifyReply,
  options: AnswerOptions,
): Promise<FastifyReply> {
  let isOpen = false;
  const write = (line: string): void => {
    // nothing is written before a thread has taken the request: what is wrong with it still has a status of its own then
    if (!isOpen) reply.hijack().raw.writeHead(200, { "content-type": LINES });
    isOpen = true;
    reply.raw.write(`${line}\n`);
  };
  try {
    const result = await answer(pool, request, {
      ...options,
      onProgress: ({ done, total }) => write(JSON.stringify({ done, total })),
    });
    write(Buffer.from(result.body).toString("utf8"));
  } catch (error) {
    if (!isOpen) throw error;
    write(JSON.stringify({ error: (error as Error).message }));
  }
  reply.raw.end();
  return reply;
}

/** The media type that the client wants and that there is. */
function acceptOf({ headers: { accept = "*/*" } }: FastifyRequest): string {
  const wanted = accept.split(",").map((entry) => entry.split(";")[0]!.trim().toLowerCase());
  const known = [...ANSWERS, LINES];
  const found = wanted.find((type) => known.includes(type));
  if (found !== undefined) return found;
  if (wanted.some((type) => type === "*/*" || type === "application/*" || type === "")) return "application/json";
  throw new RequestError(406, `the answer can be ${known.join(", ")}, not ${accept}`);
}

function requireToken({ headers: { authorization = "" } }: FastifyRequest, token: string): void {
  const given = Buffer.from(/^Bearer (.*)$/i.exec(authorization)?.[1] ?? "");
  const expected = Buffer.from(token);
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new RequestError(401, "expected the token of this server: Authorization: Bearer …");
}

function statusOf(error: Error & { statusCode?: number }): number {
  if (error instanceof QueueFullError) return 429;
  if (typeof error.statusCode === "number") return error.statusCode;
  if (error instanceof ValueError) return 422;
  return error instanceof DisposedError || error instanceof RuntimeError ? 503 : 500;
}
