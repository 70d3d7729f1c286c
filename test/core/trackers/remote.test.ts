import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RemoteTracker, type Metrics, type RemoteRun } from "../../../lib/core/trackers";
import { ServiceRefusal } from "../../../lib/core/trackers/request";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
let warnings: string[];
beforeEach(() => {
  run = trackedRun();
  warnings = [];
});
afterEach(() => {
  jest.restoreAllMocks();
  run.remove();
});

/** A service in memory that can be down, or refuse. */
class Service {
  readonly updates: number[] = [];
  readonly pictures: string[] = [];
  refusesPictures = false;
  readonly opened: Readonly<Record<string, string>>[] = [];
  finished: { summary: object; failed: boolean } | null = null;
  down: Error | null = null;
}

class Tracker extends RemoteTracker {
  override readonly service = "memory";
  constructor(readonly at: Service) {
    super(run.dependencies);
    this.pause = { first: 0, longest: 0 };
    jest.spyOn(this.logger, "warning").mockImplementation((message) => void warnings.push(message));
  }
  protected override async openRun(_: unknown, __: unknown, ids: Readonly<Record<string, string>>): Promise<RemoteRun> {
    this.#answer();
    this.at.opened.push(ids);
    return {
      ids: { id: "x" },
      url: null,
      send: async (metrics: readonly Metrics[]) => {
        this.#answer();
        this.at.updates.push(...metrics.map(({ update }) => Number(update)));
      },
      sendPicture: async ({ name, update, png }) => {
        this.#answer();
        if (this.at.refusesPictures) throw new ServiceRefusal("no place for pictures");
        this.at.pictures.push(`${name} ${update} ${png.toString()}`);
      },
      finish: async (summary: object, failed: boolean) => {
        this.#answer();
        this.at.finished = { summary: { ...summary }, failed };
      },
    };
  }
  #answer(): void {
    if (this.at.down !== null) throw this.at.down;
  }
}

async function logged(tracker: Tracker, updates: readonly number[]): Promise<void> {
  for (const update of updates) await tracker.log({ update, loss: 1 });
}
const state = () => JSON.parse(readFileSync(join(run.path, "tracker", "memory.json"), "utf8")) as object;
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

it("sends every update once, in order, and the summary at the end", async () => {
  const service = new Service();
  const tracker = new Tracker(service);
  await tracker.init(run.init);
  await logged(tracker, range(1, 1200));
  await tracker.setSummary("best", 1);
  await tracker.close();
  expect(service.updates).toEqual(range(1, 1200));
  expect(service.finished).toEqual({ summary: { best: 1 }, failed: false });
  expect(state()).toEqual({ ids: { id: "x" }, sent: 1199, failed: false });
});

it("keeps what a service that is down does not get, and sends it when it answers again", async () => {
  const service = new Service();
  const tracker = new Tracker(service);
  service.down = new Error("no answer");
  await tracker.init(run.init);
  await logged(tracker, [1, 2]);
  expect(service.updates).toEqual([]);
  service.down = null;
  await logged(tracker, [3]);
  await tracker.close();
  expect(service.updates).toEqual([1, 2, 3]);
  expect(warnings).toEqual(["memory: no answer; the run goes on, metrics are kept and sent later"]);
});

it("loses nothing when the service stays down: sync sends the rest, to the same run", async () => {
  const service = new Service();
  const tracker = new Tracker(service);
  await tracker.init(run.init);
  await logged(tracker, [1, 2]);
  await tracker.close();
  const second = new Tracker(service);
  await second.init(run.init);
  service.down = new Error("no answer");
  await logged(second, [3, 4, 5]);
  await second.close();
  expect(warnings.at(-1)).toBe(`memory: 3 updates are not there yet: noether-ts tracker sync ${run.path}`);
  service.down = null;
  expect(await new Tracker(service).sync(run.init, {})).toEqual({ updates: 3, pictures: 0 });
  expect(service.updates).toEqual([1, 2, 3, 4, 5]);
  expect(service.opened.at(-1)).toEqual({ id: "x" });
  expect(service.finished).toEqual({ summary: {}, failed: false });
});

it("does not try again what a service refuses", async () => {
  const service = new Service();
  service.down = new ServiceRefusal("answered 401");
  const tracker = new Tracker(service);
  await tracker.init(run.init);
  await logged(tracker, [1]);
  await tracker.close();
  expect(warnings[0]).toBe(`memory: answered 401; metrics stay in ${join(run.path, "tracker", "metrics.jsonl")}`);
});

it("of a run that goes on from an earlier update sends what is computed again", async () => {
  const service = new Service();
  const first = new Tracker(service);
  await first.init(run.init);
  await logged(first, [1, 2, 3, 4]);
  await first.close();
  const second = new Tracker(service);
  await second.init(run.init);
  await logged(second, [3, 4, 5]);
  await second.close();
  expect(service.updates).toEqual([1, 2, 3, 4, 3, 4, 5]);
});

const picture = (text: string) => ({ "test/0/p/predicted": Buffer.from(text) });

it("sends pictures once, after the metrics", async () => {
  const service = new Service();
  const tracker = new Tracker(service);
  await tracker.init(run.init);
  await tracker.logPictures(picture("a"), 1);
  await logged(tracker, [1]);
  await tracker.logPictures(picture("b"), 2);
  await tracker.close();
  expect(service.pictures).toEqual(["test/0/p/predicted 1 a", "test/0/p/predicted 2 b"]);
  expect(await new Tracker(service).sync(run.init, {})).toEqual({ updates: 0, pictures: 0 });
});

it("sync sends the pictures that a service which was down did not get", async () => {
  const service = new Service();
  const tracker = new Tracker(service);
  await tracker.init(run.init);
  await logged(tracker, [1]);
  await tracker.logPictures(picture("a"), 1);
  await tracker.close();
  const second = new Tracker(service);
  await second.init(run.init);
  service.down = new Error("no answer");
  await second.logPictures(picture("b"), 2);
  await logged(second, [2]);
  await second.close();
  expect(warnings.at(-1)).toContain("1 updates and 1 pictures are not there yet");
  service.down = null;
  expect(await new Tracker(service).sync(run.init, {})).toEqual({ updates: 1, pictures: 1 });
  expect(service.pictures).toEqual(["test/0/p/predicted 1 a", "test/0/p/predicted 2 b"]);
});

it("a picture that is drawn again is sent again", async () => {
  const service = new Service();
  for (const text of ["a", "b"]) {
    const tracker = new Tracker(service);
    await tracker.init(run.init);
    await tracker.logPictures(picture(text), 1);
    await logged(tracker, [1]);
    await tracker.close();
  }
  expect(service.pictures).toEqual(["test/0/p/predicted 1 a", "test/0/p/predicted 1 b"]);
});

it("a service that refuses pictures gets the metrics", async () => {
  const service = new Service();
  service.refusesPictures = true;
  const tracker = new Tracker(service);
  await tracker.init(run.init);
  await tracker.logPictures(picture("a"), 1);
  await logged(tracker, [1, 2]);
  await tracker.close();
  expect(service.updates).toEqual([1, 2]);
  expect(service.finished).toEqual({ summary: {}, failed: false });
  expect(warnings[0]).toBe(`memory: no place for pictures; pictures stay in ${join(run.path, "pictures")}`);
});
