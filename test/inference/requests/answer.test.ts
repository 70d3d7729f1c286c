import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeMesh } from "../../../lib/data";
import { loadRun, type TrainedRun } from "../../../lib/inference";
import { type Scene } from "../../../lib/inference/scene/scene";
import { readRequest } from "../../../lib/inference/requests/answer";
import type { RequestResult, RequestTask } from "../../../lib/inference/requests/request";
import { temporaryFolder } from "../../support/small-run";
import { box, sphere, trainSpheres } from "../../support/sphere-run";

async function answerRequest(given: TrainedRun, task: RequestTask): Promise<RequestResult> {
  const { inputs, options, write } = await readRequest(given, task);
  return write(await given.predict(inputs, options));
}

const folder = temporaryFolder();
let run: TrainedRun;
beforeAll(async () => {
  run = await loadRun(await trainSpheres(folder.path));
}, 60_000);
afterAll(() => {
  run.dispose();
  folder.remove();
});

const SCENE = "application/x-noether-scene+json";
async function ask(name: string, body: Uint8Array, task: Partial<RequestTask> = {}) {
  const query = { file: name, set: "inflow=11", ...task.query };
  const request = {
    type: "request",
    accept: SCENE,
    maxPoints: 10_000,
    contentType: "application/octet-stream",
    body,
    ...task,
    query,
  } as const;
  const answer = await answerRequest(run, request);
  return JSON.parse(Buffer.from(answer.body).toString("utf8")) as Scene & {
    fields: Record<string, { shape: number[] }>;
  };
}
async function bytes(name: string, mesh = sphere(8)) {
  await writeMesh(mesh, join(folder.path, name));
  return readFileSync(join(folder.path, name));
}
const count = (text: string, width: number) => Buffer.from(text, "base64").length / 4 / width;

it.each(["body.stl", "body.ply", "body.obj", "body.vtp"])(
  "%s becomes the fields on the body and on a slice of the volume",
  async (name) => {
    const { title, domains } = await ask(name, await bytes(name));
    expect(title).toBe("body");
    expect(domains.map((domain) => [domain.name, domain.fields.map((field) => [field.name, field.components])])).toEqual([
    ["surface", [["pressure", 1], ["friction", 3]]],
    ["volume", [["velocity", 3]]],
  ]); // prettier-ignore
    expect(count(domains[0]!.points, 3)).toBe(sphere(8).numberOfPoints);
    expect(count(domains[1]!.points, 3)).toBeGreaterThan(1000);
  },
);

it("gives fields as JSON where those are asked for", async () => {
  const { fields } = await ask("b.stl", await bytes("b.stl"), {
    accept: "application/json",
    query: { outputs: "surface_pressure" },
  });
  expect(Object.keys(fields)).toEqual(["surface_pressure"]);
  expect(fields["surface_pressure"]!.shape).toEqual([sphere(8).numberOfPoints]);
});

it("moves the slice", async () => {
  const { domains } = await ask("c.stl", await bytes("c.stl"), { query: { slice: "0,1" } });
  const points = new Float32Array(new Uint8Array(Buffer.from(domains[1]!.points, "base64")).buffer);
  expect(points[0]).toBeCloseTo(1, 5);
});

it.each([
  [{ query: { file: "body.exe" } }, 400, /^file: expected a name with one of the endings \.stl/],
  [{ query: { slice: "3,0.5" } }, 400, /^slice: expected AXIS,POSITION/],
  [{ query: { slice: "1,7" } }, 400, /^slice: expected AXIS,POSITION/],
  [{ query: { set: "inflow" } }, 400, /^set: expected NAME=NUMBER,NUMBER, got "inflow"/],
  [{ query: { chunksize: "1" } }, 400, /^the query: .*chunksize/],
  [{ maxPoints: 10 }, 413, /^body\.stl: expected at most 10 points, got \d+/],
  [{ body: Buffer.from("no mesh at all") }, 400, /^body\.stl: /],
])("says what is wrong with a request (%#)", async (task, statusCode, message) => {
  const error = await ask("body.stl", await bytes("body.stl"), task as Partial<RequestTask>).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ statusCode, message: expect.stringMatching(message) as string });
});

it("says which numbers of the case are missing, and that a volume is no body", async () => {
  await expect(ask("body.stl", await bytes("body.stl"), { query: { set: [] } })).rejects.toThrow(
    /expected inflow, numbers of the whole case/,
  );
  await expect(ask("box.vtu", await bytes("box.vtu", box(2)))).rejects.toThrow("expected the surface of a body");
});
