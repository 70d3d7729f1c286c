/** An S3 on the loopback: buckets in memory, listings in pages, ranges, uploads in parts. */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type DigestAlgorithm, makeDigest } from "../../lib/io/verification/digest";
import { type Fault, FaultyServer } from "./faulty-server";

interface S3Content {
  readonly content: Buffer;
  readonly etag: string;
  readonly headers: Record<string, string>;
  /** Base64 by algorithm, with `-` and the number of parts where it is that of their checksums. */
  readonly checksums: Readonly<Record<string, string>>;
  readonly partSizes?: readonly number[];
}

/** A part of an upload, with the checksums that came with it. */
interface Part {
  readonly body: Buffer;
  readonly checksums: Readonly<Record<string, string>>;
}

const md5 = (content: Buffer): string => createHash("md5").update(content).digest("hex");

/** Path-style addresses, any signature. */
export class S3Server extends FaultyServer {
  readonly objects = new Map<string, S3Content>();
  /** Keys in a page of a listing, at most. */
  pageSize = 1000;
  readonly #uploads = new Map<string, Map<number, Part>>();
  #count = 0;

  /**
   * @param headers e.g. `x-amz-server-side-encryption`
   * @param more.checksums e.g. `{ crc32: "…" }`, as clients send them with an object; more.partSizes: of an upload in parts
   */
  put(
    bucket: string,
    key: string,
    content: Buffer | string,
    etag?: string,
    headers: Record<string, string> = {},
    more: Pick<S3Content, "partSizes"> & Partial<Pick<S3Content, "checksums">> = {},
  ): void {
    const bytes = Buffer.from(content);
    this.objects.set(`${bucket}/${key}`, { content: bytes, etag: etag ?? md5(bytes), headers, checksums: {}, ...more });
  }

  get uploadsLeft(): number {
    return this.#uploads.size;
  }

  protected async answer(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const [bucket = "", ...rest] = url.pathname.slice(1).split("/");
    const name = `${bucket}/${decodeURIComponent(rest.join("/"))}`;
    const query = url.searchParams;
    if (request.method === "GET" && query.has("list-type")) return this.#list(bucket, query, response);
    if (request.method === "PUT" || request.method === "POST" || request.method === "DELETE")
      return this.#upload(request, response, name, query);
    const found = this.objects.get(name);
    if (found === undefined) {
      const code =
        request.method === "HEAD"
          ? ""
          : xml("Error", "<Code>NoSuchKey</Code><Message>The key does not exist.</Message>");
      return void response.writeHead(404, { "content-type": "application/xml" }).end(code);
    }
    if (request.headers["if-match"] !== undefined && request.headers["if-match"].replaceAll('"', "") !== found.etag)
      return void response
        .writeHead(412, { "content-type": "application/xml" })
        .end(
          request.method === "HEAD" ? "" : xml("Error", "<Code>PreconditionFailed</Code><Message>changed</Message>"),
        );
    if (query.has("attributes")) return this.#attributes(found, request, response);
    // as Amazon's: only for the whole object, and only where it is asked for
    const isAsked = request.headers["x-amz-checksum-mode"] === "ENABLED" && request.headers.range === undefined;
    const checksums = Object.entries(isAsked ? found.checksums : {}).flatMap(([algorithm, value]) => [
      [`x-amz-checksum-${algorithm}`, value],
      ["x-amz-checksum-type", value.includes("-") ? "COMPOSITE" : "FULL_OBJECT"],
    ]);
    this.send(
      request,
      response,
      found.content,
      { etag: `"${found.etag}"`, "accept-ranges": "bytes", ...found.headers, ...Object.fromEntries(checksums) },
      fault,
    );
  }

  /** The parts of an object, {@link pageSize} a page. */
  #attributes({ partSizes = [] }: S3Content, request: IncomingMessage, response: ServerResponse): void {
    const marker = Number(request.headers["x-amz-part-number-marker"] ?? 0);
    const page = partSizes.slice(marker, marker + this.pageSize);
    const parts = page.map(
      (size, at) => `<Part><PartNumber>${marker + at + 1}</PartNumber><Size>${size}</Size></Part>`,
    );
    const next = marker + page.length;
    const isLast = next >= partSizes.length;
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(
      xml(
        "GetObjectAttributesResponse",
        `<ObjectParts><PartsCount>${partSizes.length}</PartsCount><IsTruncated>${!isLast}</IsTruncated>` +
          `<NextPartNumberMarker>${next}</NextPartNumberMarker>${parts.join("")}</ObjectParts>`,
      ),
    );
  }

  #list(bucket: string, query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get("prefix") ?? "";
    const encode =
      query.get("encoding-type") === "url"
        ? (key: string) => encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+")
        : escape;
    const keys = [...this.objects.keys()]
      .filter((name) => name.startsWith(`${bucket}/${prefix}`))
      .map((name) => name.slice(bucket.length + 1))
      .sort();
    const at = Number(query.get("continuation-token") ?? 0);
    const page = keys.slice(at, at + Math.min(this.pageSize, Number(query.get("max-keys") ?? 1000)));
    const isLast = at + page.length >= keys.length;
    const contents = page.map((key) => {
      const { content, etag } = this.objects.get(`${bucket}/${key}`)!;
      return `<Contents><Key>${encode(key)}</Key><Size>${content.length}</Size><ETag>&quot;${etag}&quot;</ETag><LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents>`;
    });
    const next = isLast ? "" : `<NextContinuationToken>${at + page.length}</NextContinuationToken>`;
    const encoding = query.get("encoding-type") === "url" ? "<EncodingType>url</EncodingType>" : "";
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(
      xml("ListBucketResult", `${encoding}<IsTruncated>${!isLast}</IsTruncated>${next}${contents.join("")}`),
    );
  }

  async #upload(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    query: URLSearchParams,
  ): Promise<void> {
    const { body, checksums } = await bodyOf(request);
    const id = query.get("uploadId");
    response.setHeader("content-type", "application/xml");
    if (request.method === "DELETE") {
      if (id !== null) this.#uploads.delete(id);
      return void response.writeHead(204).end();
    }
    if (query.has("uploads")) {
      const next = `upload-${++this.#count}`;
      this.#uploads.set(next, new Map());
      return void response.end(xml("InitiateMultipartUploadResult", `<UploadId>${next}</UploadId>`));
    }
    if (id === null) {
      this.objects.set(name, { content: body, etag: md5(body), headers: {}, checksums });
      return void response.setHeader("etag", `"${md5(body)}"`).end();
    }
    const parts = this.#uploads.get(id);
    if (parts === undefined) return void response.writeHead(404).end(xml("Error", "<Code>NoSuchUpload</Code>"));
    if (request.method === "PUT") {
      parts.set(Number(query.get("partNumber")), { body, checksums });
      return void response.setHeader("etag", `"${md5(body)}"`).end();
    }
    const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    const content = Buffer.concat(inOrder.map((part) => part.body));
    const etag = `${md5(Buffer.concat(inOrder.map((part) => Buffer.from(md5(part.body), "hex"))))}-${parts.size}`;
    const partSizes = inOrder.map((part) => part.body.length);
    this.objects.set(name, { content, etag, headers: {}, checksums: compositeOf(inOrder), partSizes });
    this.#uploads.delete(id);
    response.end(xml("CompleteMultipartUploadResult", `<ETag>"${etag}"</ETag>`));
  }
}

/** Checksums of the parts' checksums. */
function compositeOf(parts: readonly Part[]): Record<string, string> {
  const algorithms = Object.keys(parts[0]?.checksums ?? {}) as DigestAlgorithm[];
  return Object.fromEntries(
    algorithms.map((algorithm) => {
      const digest = makeDigest(algorithm);
      for (const { checksums } of parts) digest.update(Buffer.from(checksums[algorithm] ?? "", "base64"));
      return [algorithm, `${digest.digest().toString("base64")}-${parts.length}`];
    }),
  );
}

/** The content of a request with its checksums, also where it is signed in chunks and these follow it. */
async function bodyOf(request: IncomingMessage): Promise<Part> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const inHead = Object.entries(request.headers).map(([name, value]) => `${name}:${String(value)}`);
  if (!String(request.headers["content-encoding"] ?? "").includes("aws-chunked"))
    return { body, checksums: checksumsIn(inHead) };
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const end = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.toString("latin1", at, end), 16);
    if (!(length > 0))
      return {
        body: Buffer.concat(parts),
        checksums: checksumsIn([...inHead, ...body.toString("latin1", end + 2).split("\r\n")]),
      };
    parts.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

function checksumsIn(lines: readonly string[]): Record<string, string> {
  const found = lines.map((line) => /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256): *(\S+)/i.exec(line));
  return Object.fromEntries(found.flatMap((match) => (match ? [[match[1]!.toLowerCase(), match[2]!]] : [])));
}

function xml(root: string, inner: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><${root}>${inner}</${root}>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
