import { z } from "zod";
import type { TrainedRun } from "../run/trained-run";
import { PredictBody } from "../requests/answer";

/** The OpenAPI 3.1 description of a server for a run. */
export function openApi(run: TrainedRun, { hasToken }: { readonly hasToken: boolean }) {
  const error = (description: string) => ({
    description,
    content: { "application/json": { schema: { type: "object", properties: { error: { type: "string" } } } } },
  });
  const inputs = Object.fromEntries(
    run.inputs.map(({ name, role, channels }) => [
      name,
      { description: role === "condition" ? `(${channels ?? "C"})` : `(N, ${channels ?? "C"}), one row a point` },
    ]),
  );
  const body = z.toJSONSchema(PredictBody, { io: "input", target: "draft-2020-12" });
  Object.assign(body.properties!["inputs"]!, { properties: inputs, required: run.inputs.map(({ name }) => name) });
  const field = {
    type: "object",
    properties: {
      shape: { type: "array", items: { type: "integer" } },
      values: { type: "array", items: { type: "number" } },
      base64: { type: "string", description: "float32, little-endian" },
    },
  };
  const fields = {
    type: "object",
    properties: {
      fields: { type: "object", properties: Object.fromEntries(run.outputs.map(({ name }) => [name, field])) },
    },
  };
  return {
    openapi: "3.1.0",
    info: { title: `noether-ts: ${run.identity.name}`, version: run.identity.checkpoint },
    ...(hasToken ? { security: [{ token: [] }] } : {}),
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    paths: {
      "/predict": {
        post: {
          summary: "Fields at the points of a case, in physical units",
          requestBody: {
            required: true,
            content: {
              "application/json": { schema: body },
              "application/x-npz": { schema: { type: "string", format: "binary" } },
            },
          },
          responses: {
            "200": {
              description: "Fields in the order of the points",
              content: {
                "application/json": { schema: fields },
                "application/x-npz": { schema: { type: "string", format: "binary" } },
                "application/x-ndjson": { schema: { type: "string", description: "progress, then the fields" } },
              },
            },
            "400": error("The body cannot be read"),
            "413": error("More bytes or points than the server takes"),
            "415": error("Another media type"),
            "422": error("Inputs that do not fit the run"),
            "429": error("Too many requests wait; Retry-After says when to try again"),
            "504": error("It took longer than the server allows"),
          },
        },
      },
      "/run": { get: { summary: "Inputs and outputs of the run", responses: { "200": { description: "The run" } } } },
      "/healthz": {
        get: { summary: "Whether the server answers", security: [], responses: { "200": { description: "It does" } } },
      },
      "/metrics": {
        get: { summary: "Counts and times for Prometheus", responses: { "200": { description: "Text" } } },
      },
    },
  };
}
