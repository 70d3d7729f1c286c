import { z } from "zod";
import type { TrainedRun } from "../run/trained-run";
import { MESHES, PredictBody, SCENE } from "../requests/answer";

/** The OpenAPI 3.1 description of a server for a run: every route that it has. */
export function openApi(
  run: TrainedRun,
  { hasToken, hasShapes }: { readonly hasToken: boolean; readonly hasShapes: boolean },
) {
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
  const denied = hasToken ? { "401": error("Without the token of this server") } : {};
  const get = (summary: string, type: string, more: object = {}) => ({
    get: { summary, ...more, responses: { "200": { description: summary, content: { [type]: {} } }, ...denied } },
  });
  const binary = { schema: { type: "string", format: "binary" } };
  return {
    openapi: "3.1.0",
    info: { title: `noether-ts: ${run.identity.name}`, version: run.identity.checkpoint },
    ...(hasToken ? { security: [{ token: [] }] } : {}),
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    paths: {
      "/predict": {
        post: {
          summary: "Fields at the points of a case, in physical units",
          parameters: QUERY,
          requestBody: {
            required: true,
            content: {
              "application/json": { schema: body },
              "application/x-npz": binary,
              ...Object.fromEntries(MESHES.map((type) => [type, binary])),
            },
          },
          responses: {
            "200": {
              description: "Fields in the order of the points",
              content: {
                "application/json": { schema: fields },
                "application/x-npz": binary,
                "application/x-ndjson": { schema: { type: "string", description: "progress, then the fields" } },
                [SCENE]: { schema: { type: "object", description: "of a mesh: what the page draws" } },
              },
            },
            "400": error("The body or the query cannot be read"),
            ...denied,
            "406": error("No media type of an answer that there is"),
            "413": error("More bytes or points than the server takes"),
            "415": error("Another media type"),
            "422": error("Inputs that do not fit the run"),
            "429": error("Too many requests wait; Retry-After says when to try again"),
            "503": error("The prediction thread ended; try again"),
            "504": error("It took longer than the server allows"),
          },
        },
      },
      "/run": get("Inputs and outputs of the run", "application/json"),
      "/healthz": get("Whether the server answers", "application/json", { security: [] }),
      "/metrics": get("Counts and times for Prometheus", "text/plain"),
      "/openapi.json": get("This description", "application/json"),
      "/": get("A page to look at predictions", "text/html", { security: [] }),
      ...(hasShapes
        ? { "/shapes.mjs": get("Module that makes the cases of the page's sliders", "text/javascript") }
        : {}),
    },
  };
}

/** Of bodies that are files. */
const QUERY = [
  { name: "file", description: "of a mesh: a name with its ending, body.stl", schema: { type: "string" } },
  {
    name: "set",
    description: "of a mesh: numbers of the whole case, NAME=NUMBER,NUMBER; several times",
    schema: { type: "array", items: { type: "string" } },
  },
  {
    name: "slice",
    description: "of a mesh: where the volume is looked at, AXIS,POSITION with an axis 0 to 2 and a position 0 to 1",
    schema: { type: "string" },
  },
  { name: "outputs", description: "names of fields, with commas", schema: { type: "string" } },
  { name: "encoding", description: "of numbers in JSON", schema: { type: "string", enum: ["list", "base64"] } },
  { name: "chunk_size", description: "points evaluated at a time", schema: { type: "integer", minimum: 1 } },
  { name: "seed", description: "of the random choice of anchors", schema: { type: "integer", minimum: 0 } },
].map((parameter) => ({ in: "query", required: false, ...parameter }));
