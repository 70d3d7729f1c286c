import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

import { integerField, messageField, stringField } from "./protobuf";

/** Bytes of a block of the log. */
const BLOCK = 32768;
/** Bytes before each piece of a record: check sum, length, kind. */
const HEADER = 7;
/** Kinds of pieces. */
const Piece = { FULL: 1, FIRST: 2, MIDDLE: 3, LAST: 4 } as const;

/** What a file of a run is. */
const FileType = { MEDIA: 2 } as const;

/** What {@link OfflineFile} begins with. */
export interface OfflineRun {
  readonly runId: string;
  readonly entity: string | null;
  readonly project: string | null;
  readonly displayName: string;
  readonly tags: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * An offline run of Weights & Biases (`run-<id>.wandb`), which `wandb sync` uploads: records of protocol buffers in the framing of
 * LevelDB's log.
 */
export class OfflineFile {
  /** Bytes of the current block that are written. */
  #inBlock: number;
  #records = 0;
  readonly #start = Date.now();

  constructor(
    readonly path: string,
    { runId, entity, project, displayName, tags, config }: OfflineRun,
  ) {
    const magic = Buffer.from(":W&B\0\0\0", "latin1");
    magic.writeUInt16LE(0xbee1, 4);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, magic, { flag: "wx" });
    this.#inBlock = magic.length;
    this.#record(21, messageField(1, stringField(1, "0.17.0"), stringField(2, "0.13.0"))); // header.version_info
    const items = Object.entries(config).map(([key, value]) =>
      messageField(1, stringField(1, key), stringField(16, JSON.stringify(value))),
    );
    const seconds = Math.floor(this.#start / 1000);
    this.#record(
      17,
      stringField(1, runId),
      ...(entity === null ? [] : [stringField(2, entity)]),
      ...(project === null ? [] : [stringField(3, project)]),
      messageField(4, ...items),
      stringField(8, displayName),
      ...tags.map((name) => stringField(10, name)),
      messageField(17, integerField(1, seconds)),
    );
  }

  /** Values of one step as JSON; `_step`, `_runtime` and `_timestamp` are added. */
  addHistory(values: Readonly<Record<string, string>>, step: number): void {
    const now = Date.now();
    const all = {
      ...values,
      _step: String(step),
      _runtime: String((now - this.#start) / 1000),
      _timestamp: String(now / 1000),
    };
    const items = Object.entries(all).map(([key, json]) => messageField(1, stringField(1, key), stringField(16, json)));
    this.#record(2, ...items, messageField(2, integerField(1, step)));
  }

  /** A file of the folder `files` beside this one, which is uploaded with the run. */
  addMediaFile(path: string): void {
    this.#record(6, messageField(1, stringField(1, path), integerField(3, FileType.MEDIA)));
  }

  /** Values of the summary as JSON. */
  addSummary(values: Readonly<Record<string, string>>): void {
    const items = Object.entries(values).map(([key, json]) =>
      messageField(1, stringField(1, key), stringField(16, json)),
    );
    this.#record(3, ...items);
  }

  finish(exitCode: number): void {
    this.#record(18, integerField(1, exitCode), integerField(2, Math.floor((Date.now() - this.#start) / 1000)));
  }

  /** A `Record` with one of its kinds, cut where blocks end. */
  #record(kind: number, ...content: readonly Buffer[]): void {
    this.#records++;
    const data = Buffer.concat([integerField(1, this.#records), messageField(kind, ...content)]);
    const pieces: Buffer[] = [];
    let start = 0;
    do {
      let room = BLOCK - this.#inBlock;
      if (room < HEADER) {
        pieces.push(Buffer.alloc(room));
        this.#inBlock = 0;
        room = BLOCK;
      }
      const part = data.subarray(start, start + room - HEADER);
      const [isFirst, isLast] = [start === 0, start + part.length === data.length];
      const type = isFirst ? (isLast ? Piece.FULL : Piece.FIRST) : isLast ? Piece.LAST : Piece.MIDDLE;
      const header = Buffer.alloc(HEADER);
      header.writeUInt32LE(crc32(part, crc32(Buffer.from([type]))), 0);
      header.writeUInt16LE(part.length, 4);
      header.writeUInt8(type, 6);
      pieces.push(header, part);
      this.#inBlock = (this.#inBlock + HEADER + part.length) % BLOCK;
      start += part.length;
    } while (start < data.length);
    appendFileSync(this.path, Buffer.concat(pieces));
  }
}
