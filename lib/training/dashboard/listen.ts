import type { FastifyInstance } from "fastify";

/** The port that is taken where it is free. */
const USUAL_PORT = 8090;

/**
 * Begins to listen.
 *
 * @param port null: {@link USUAL_PORT}, or a free one
 * @returns the address
 */
export async function listen(server: FastifyInstance, host: string, port: number | null): Promise<string> {
  try {
    return await server.listen({ host, port: port ?? USUAL_PORT });
  } catch (error) {
    if (port !== null || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return server.listen({ host, port: 0 });
  }
}
