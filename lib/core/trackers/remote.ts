import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileOfPicture, PICTURES, readPictures } from "../runs/run-pictures";
import { writeTextFile } from "../writers/text-file";
import { BaseTracker, type TrackerInit } from "./base";
import { type Metrics, readMetrics } from "./read-metrics";
import { ServiceRefusal } from "./request";

/** What of a run a service has; kept in `tracker/<service>.json`. */
export interface RemoteState {
  /** Names that the service gave the run. */
  readonly ids: Readonly<Record<string, string>>;
  /** How many lines of `tracker/metrics.jsonl` are there. */
  readonly sent: number;
  /** How the run ended; a process that was killed leaves true. */
  readonly failed: boolean;
}

/** A picture of a run. */
export interface Picture {
  /** `test/0/pressure/predicted` */
  readonly name: string;
  readonly update: number;
  /** File below `pictures/` of the run. */
  readonly file: string;
  readonly png: Buffer;
}

/** A run at a service. */
export interface RemoteRun {
  readonly ids: Readonly<Record<string, string>>;
  /** Where people look at it. */
  readonly url: string | null;
  /** Metrics of some updates, in their order. */
  send(metrics: readonly Metrics[]): Promise<void>;
  sendPicture(picture: Picture): Promise<void>;
  finish(summary: Readonly<Record<string, unknown>>, failed: boolean): Promise<void>;
}

/** What {@link RemoteTracker.sync} sent. */
export interface Sent {
  readonly updates: number;
  readonly pictures: number;
}

/** Metrics of one request. */
const MOST_AT_ONCE = 500;
/** Metrics that wait in memory; what is older is read from its file when the service answers again. */
const MOST_WAITING = 10_000;
/** Seconds between attempts while a service does not answer, at first and at most. */
const PAUSE = { first: 1, longest: 60 };
/** Seconds that the end of a run waits for what is not sent yet. */
const LAST_CHANCE = 30;

/**
 * A tracker of a service on the network. Training never waits for it: metrics are in `tracker/metrics.jsonl`, and go to the service beside
 * the training. While it does not answer, they stay where they are; what is not sent at the end of the run, `noether-ts tracker sync`
 * sends later.
 */
export abstract class RemoteTracker extends BaseTracker {
  /** Short name of the service, that of its state file: `mlflow`. */
  abstract readonly service: string;
  /** Seconds until an attempt counts as failed; replaced in tests. */
  pause = PAUSE;
  #init: { readonly run: TrackerInit; readonly config: Readonly<Record<string, unknown>> } | null = null;
  #remote: RemoteRun | null = null;
  #sent = 0;
  /** What waits; null: more than fits, see the file. */
  #waiting: Metrics[] | null = [];
  #sending: Promise<void> | null = null;
  #refusal: string | null = null;
  #stopPause: (() => void) | null = null;
  #isClosing = false;
  #failed = true;
  /** Pictures that wait; those that an earlier process left join them before the first is sent. */
  readonly #pictures: Omit<Picture, "png">[] = [];
  #hasEarlierPictures = false;
  /** The service takes no pictures; it may still take metrics. */
  #refusesPictures = false;
  /** Until the first metrics, a run that goes on may still go back behind what an earlier process sent. */
  #isFirstLog = true;

  /**
   * Begins the run at the service, or finds it by the names that the service gave it.
   *
   * @throws ServiceRefusal where another attempt would not help
   */
  protected abstract openRun(
    run: TrackerInit,
    config: Readonly<Record<string, unknown>>,
    ids: Readonly<Record<string, string>>,
  ): Promise<RemoteRun>;

  protected override initBackend(run: TrackerInit, config: Readonly<Record<string, unknown>>): void {
    this.#init = { run, config };
    this.#sent = this.#readState().sent;
    if (existsSync(this.pathProvider.trackerMetricsUri)) this.#waiting = null;
    this.#sendSoon();
  }

  protected override logBackend(data: Metrics): void {
    if (this.#isFirstLog && this.#sent > 0)
      this.#sent = Math.min(this.#sent, readMetrics(this.pathProvider.trackerMetricsUri).length - 1);
    this.#isFirstLog = false;
    if (this.#waiting !== null && this.#waiting.push(data) > MOST_WAITING) this.#waiting = null;
    this.#sendSoon();
  }

  protected override logPicturesBackend(pictures: Readonly<Record<string, Buffer>>, update: number): void {
    for (const picture of Object.keys(pictures)) {
      const file = fileOfPicture(picture, update);
      this.#pictures.push({ name: nameOfFile(file), update, file });
    }
    this.#sendSoon();
  }

  /** The summary is sent when the tracker is closed. */
  protected override updateSummaryBackend(): void {}

  protected override async closeBackend(failed: boolean): Promise<void> {
    if (this.#init === null) return;
    this.#failed = failed;
    this.#writeState(this.#remote?.ids ?? this.#readState().ids);
    await this.#finish(LAST_CHANCE, failed);
  }

  /**
   * Sends what a run that has ended could not send.
   *
   * @returns the number of updates whose metrics were sent, and of pictures
   * @throws ServiceRefusal, or the error of the connection
   */
  async sync(run: TrackerInit, config: Readonly<Record<string, unknown>>): Promise<Sent> {
    const { ids, sent, failed } = this.#readState();
    this.#failed = failed;
    const remote = await this.openRun(run, config, ids);
    this.#sent = sent;
    this.#writeState(remote.ids);
    const unsent = this.#unsent();
    for (let start = 0; start < unsent.length; start += MOST_AT_ONCE)
      await this.#sendPart(remote, unsent.slice(start, start + MOST_AT_ONCE));
    const pictures = await this.#sendPictures(remote);
    await remote.finish(this.summary, failed);
    return { updates: unsent.length, pictures };
  }

  #sendSoon(): void {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null));
  }

  /** Sends until nothing waits; tries again while the service does not answer. */
  async #sendAll(): Promise<void> {
    for (let seconds = this.pause.first; this.#refusal === null; seconds = Math.min(2 * seconds, this.pause.longest)) {
      try {
        await this.#attempt();
        return;
      } catch (error) {
        this.#tell(error);
        if (this.#refusal !== null || this.#isClosing) return;
        await this.#wait(seconds);
      }
    }
  }

  async #attempt(): Promise<void> {
    if (this.#remote === null) {
      const { run, config } = this.#init!;
      this.#remote = await this.openRun(run, config, this.#readState().ids);
      this.#writeState(this.#remote.ids);
      if (this.#remote.url !== null) this.logger.info(`${this.service}: ${this.#remote.url}`);
    }
    while (!this.#isFirstLog) {
      this.#waiting ??= this.#unsent();
      const part = this.#waiting.slice(0, MOST_AT_ONCE);
      if (part.length === 0) break;
      await this.#sendPart(this.#remote, part);
      this.#waiting?.splice(0, part.length);
    }
    if (this.#refusesPictures) return;
    try {
      await this.#sendPictures(this.#remote);
    } catch (error) {
      if (!(error instanceof ServiceRefusal)) throw error;
      this.#refusesPictures = true;
      this.logger.warning(`${this.service}: ${error.message}; pictures stay in ${this.#pictureFolder}`);
    }
  }

  /** @returns how many */
  async #sendPictures(remote: RemoteRun): Promise<number> {
    if (!this.#hasEarlierPictures) {
      const earlier = await this.#unsentPictures();
      const known = new Set(this.#pictures.map(({ file }) => file));
      this.#pictures.unshift(...earlier.filter(({ file }) => !known.has(file)));
      this.#hasEarlierPictures = true;
    }
    let count = 0;
    for (let next = this.#pictures[0]; next !== undefined; next = this.#pictures[0]) {
      const path = join(this.#pictureFolder, next.file);
      // one that could not be stored, or was deleted since, is gone
      if (existsSync(path)) {
        await remote.sendPicture({ ...next, png: readFileSync(path) });
        appendFileSync(this.#sentPicturesPath, `${next.file}\n`);
        count++;
      }
      this.#pictures.shift();
    }
    return count;
  }

  /** Pictures of the run's folder that the service did not get from this process or another. */
  async #unsentPictures(): Promise<Omit<Picture, "png">[]> {
    const path = this.#sentPicturesPath;
    const sent = new Set(existsSync(path) ? readFileSync(path, "utf8").split("\n") : []);
    const sets = await readPictures(this.pathProvider.runOutputPath);
    return sets
      .flatMap(({ update, files }) => Object.values(files).map((file) => ({ name: nameOfFile(file), update, file })))
      .filter(({ file }) => !sent.has(file))
      .sort((a, b) => a.update - b.update);
  }

  async #sendPart(remote: RemoteRun, metrics: readonly Metrics[]): Promise<void> {
    await remote.send(metrics);
    this.#sent += metrics.length;
    this.#writeState(remote.ids);
  }

  #unsent(): Metrics[] {
    const path = this.pathProvider.trackerMetricsUri;
    return existsSync(path) ? readMetrics(path).slice(this.#sent) : [];
  }

  #tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const isFirst = this.#refusal === null && this.#stopPause === null;
    if (error instanceof ServiceRefusal) {
      this.#refusal = reason;
      this.logger.warning(`${this.service}: ${reason}; metrics stay in ${this.pathProvider.trackerMetricsUri}`);
    } else if (isFirst) {
      this.logger.warning(`${this.service}: ${reason}; the run goes on, metrics are kept and sent later`);
    }
  }

  async #wait(seconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      timer.unref();
      this.#stopPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#stopPause = null;
  }

  async #finish(seconds: number, failed: boolean): Promise<void> {
    this.#isClosing = true;
    this.#isFirstLog = false;
    this.#stopPause?.();
    const work = async () => {
      await this.#sending;
      if (this.#refusal !== null) return;
      await this.#attempt();
      await this.#remote!.finish(this.summary, failed);
    };
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer for ${seconds} s`)), seconds * 1000);
    });
    try {
      await Promise.race([work(), timeout]);
      if (this.#refusal === null && !this.#refusesPictures) return;
    } catch (error) {
      this.#tell(error);
    } finally {
      clearTimeout(timer);
    }
    const updates = this.#unsent().length;
    const pictures = (await this.#unsentPictures()).length;
    const what = pictures === 0 ? `${updates} updates` : `${updates} updates and ${pictures} pictures`;
    this.logger.warning(
      `${this.service}: ${what} are not there yet: noether-ts tracker sync ${this.pathProvider.runOutputPath}`,
    );
  }

  get #pictureFolder(): string {
    return join(this.pathProvider.runOutputPath, PICTURES);
  }

  /** A line for each picture that the service has. */
  get #sentPicturesPath(): string {
    return join(this.pathProvider.basetrackerPath, `${this.service}-pictures.txt`);
  }

  get #statePath(): string {
    return join(this.pathProvider.basetrackerPath, `${this.service}.json`);
  }

  #readState(): RemoteState {
    if (!existsSync(this.#statePath)) return { ids: {}, sent: 0, failed: true };
    return JSON.parse(readFileSync(this.#statePath, "utf8")) as RemoteState;
  }

  #writeState(ids: Readonly<Record<string, string>>): void {
    const state: RemoteState = { ids, sent: this.#sent, failed: this.#failed };
    writeTextFile(this.#statePath, `${JSON.stringify(state)}\n`);
  }
}

/** Name of a picture by its file: `test/0/p/U00000010_predicted.png` is `test/0/p/predicted`. */
function nameOfFile(file: string): string {
  return file.replace(/U\d+_([^/]+)\.png$/, "$1");
}
