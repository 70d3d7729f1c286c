import { TrackioTracker, TrackioTrackerSchema } from "../../../lib/core/trackers";
import { jsonServer, type Received } from "../../support/json-server";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
const environment = { ...process.env };
beforeEach(() => {
  run = trackedRun();
  for (const key of ["TRACKIO_SERVER_URL", "TRACKIO_WRITE_TOKEN", "TRACKIO_DIR"]) delete process.env[key];
});
afterEach(() => {
  process.env = { ...environment };
  run.remove();
});

const tracker = (config: object = {}) =>
  new TrackioTracker(
    TrackioTrackerSchema.parse({ kind: "noether.core.trackers.TrackioTracker", project: "wings", ...config }),
    run.dependencies,
  );

interface Entry {
  readonly log_id: string;
  readonly step: number;
  readonly metrics: Record<string, unknown>;
  readonly config: Record<string, unknown> | null;
}

const entriesOf = (received: readonly Received[]) =>
  received.flatMap(({ body }) => (body as { kwargs: { logs: Entry[] } }).kwargs.logs);

it("sends metrics by update to a server, with the configuration, and the summary as part of it", async () => {
  const server = await jsonServer(() => [200, { data: null }]);
  try {
    process.env["TRACKIO_SERVER_URL"] = `${server.url}/?write_token=secret`;
    const trackio = tracker();
    await trackio.init(run.init);
    await trackio.log({ epoch: 1, update: 10, sample: 40, loss: 0.5, bad: NaN, picture: [1] });
    await trackio.log({ epoch: 1, update: 12, sample: 48, loss: 0.25 });
    await trackio.updateSummary({ "loss/min": 0.25 });
    await trackio.close();
    expect(new Set(server.received.map(({ path }) => path))).toEqual(new Set(["/api/bulk_log"]));
    expect(new Set(server.received.map(({ headers }) => headers["x-trackio-write-token"]))).toEqual(
      new Set(["secret"]),
    );
    const entries = entriesOf(server.received);
    expect(entries[0]).toMatchObject({ project: "wings", run: "wing/default_r1", run_id: "r1", step: 10 });
    expect(entries[0]!.metrics).toEqual({ epoch: 1, update: 10, sample: 40, loss: 0.5, bad: "NaN" });
    expect(entries[0]!.config).toMatchObject({ hp: { model: { depth: 2 } } });
    expect(entries.map(({ step }) => step)).toEqual([10, 12, 12]);
    expect(entries[2]!.config).toMatchObject({ hp: { model: { depth: 2 } }, "loss/min": 0.25 });
    // the last one only brings the summary: the service has the entry
    expect(entries[2]!.log_id).toBe(entries[1]!.log_id);
    expect(entries[1]!.log_id).not.toBe(entries[0]!.log_id);
  } finally {
    await server.close();
  }
});

it.each([
  ["an answer that is an error", 200, { error: "A write_token is required" }, "A write_token is required"],
  ["a status", 403, { error: "no" }, "answered 403"],
])("keeps metrics that a server refuses: %s", async (_, status, body, message) => {
  const server = await jsonServer(() => [status, body]);
  try {
    process.env["TRACKIO_SERVER_URL"] = server.url;
    process.env["TRACKIO_WRITE_TOKEN"] = "secret";
    const trackio = tracker();
    const warnings = jest.spyOn(trackio.logger, "warning").mockImplementation(() => undefined);
    await trackio.init(run.init);
    await trackio.log({ update: 1, loss: 1 });
    await trackio.close();
    expect(String(warnings.mock.calls[0]![0])).toContain(message);
    expect(String(warnings.mock.calls)).toContain("metrics stay in");
    expect(String(warnings.mock.calls)).not.toContain("secret");
  } finally {
    await server.close();
  }
});

it.each([
  [{ space_id: "name" }, undefined, /expected tracker.space_id as "user\/name", received "name"/],
  [{}, "localhost:7860", /expected http:\/\/… or https:\/\/… in TRACKIO_SERVER_URL/],
  [{}, "http://127.0.0.1:1/", /expected \?write_token=… in TRACKIO_SERVER_URL, or the variable TRACKIO_WRITE_TOKEN/],
])("says what is wrong with its place (%j, %s)", async (config, url, message) => {
  if (url !== undefined) process.env["TRACKIO_SERVER_URL"] = url;
  await expect(tracker(config).sync(run.init, {})).rejects.toThrow(message);
});

it("uploads pictures to a server, and names them in an entry of their update", async () => {
  const server = await jsonServer(({ path }) => [200, path === "/api/upload" ? { paths: ["/tmp/x"] } : { data: null }]);
  try {
    process.env["TRACKIO_SERVER_URL"] = `${server.url}/?write_token=secret`;
    const trackio = tracker({ project: "my.wings" });
    await trackio.init(run.init);
    await trackio.logPictures({ "test/0/p/true": Buffer.from("png") }, 4);
    await trackio.close();
    const [upload, media, entry] = server.received;
    expect((upload!.body as Buffer).includes("png")).toBe(true);
    expect(upload!.headers["x-trackio-write-token"]).toBe("secret");
    const [stored] = (media!.body as { kwargs: { uploads: Record<string, unknown>[] } }).kwargs.uploads;
    const { orig_name: name, path } = stored!["uploaded_file"] as Record<string, string>;
    expect(stored).toMatchObject({ project: "my.wings", run: "wing/default_r1", run_id: "r1", step: 4 });
    expect([media!.path, path]).toEqual(["/api/bulk_upload_media", "/tmp/x"]);
    expect(entriesOf([entry!])[0]).toMatchObject({
      step: 4,
      metrics: {
        "test/0/p/true": { _type: "trackio.image", file_path: `mywings/wing/default_r1/4/${name}`, caption: null },
      },
    });
  } finally {
    await server.close();
  }
});
