import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that a {@link jsonServer} got. */
export interface Received {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON, bytes where it is something else; undefined without a body. */
  readonly body: unknown;
}

/** An HTTP server on the loopback that answers JSON with JSON: `answer` gives a status and a body, or `"hang up"`. */
export async function jsonServer(answer: (request: Received) => readonly [number, unknown] | "hang up") {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const { method = "", url = "", headers } = request;
      const isJson = headers["content-type"]?.startsWith("application/json") === true;
      const body = isJson ? (JSON.parse(bytes.toString("utf8")) as unknown) : bytes.length > 0 ? bytes : undefined;
      const entry = { method, path: url, headers, body };
      received.push(entry);
      const result = answer(entry);
      if (result === "hang up") return void request.socket.destroy();
      response.writeHead(result[0], { "content-type": "application/json" }).end(JSON.stringify(result[1]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
