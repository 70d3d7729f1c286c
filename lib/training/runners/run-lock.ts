import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { RuntimeError } from "../../config/python-errors";
import { ownMark, stateOf } from "../../io/files/process-mark";
import { temporaryPath } from "../../io/files/temporary";

/** Name of the file in a run's folder. */
const LOCK_FILE = ".lock";

/** How often the owner shows that it is there, and after how long without that one on another machine counts as gone. */
const BEAT_EVERY = 30_000;
const GONE_AFTER = 15 * 60_000;

/** A run's folder in which another process is at work. */
export class RunInUseError extends RuntimeError {
  override readonly name = "RunInUseError";
}

/** Who holds a lock. */
interface Owner {
  /** Of the process, see `process-mark.ts`. */
  readonly mark: string;
  readonly host: string;
  readonly pid: number;
  readonly since: string;
}

/**
 * The right of one process to write into a run's folder. The file goes away with {@link release}, or with the end of the
 * process; one that a dead process left is taken over. On other machines, whose processes cannot be looked at, an owner
 * counts as gone when it has not shown itself for a quarter of an hour.
 */
export class RunLock {
  readonly #path: string;
  readonly #file: number;
  readonly #owner: Owner;
  readonly #beat: NodeJS.Timeout;
  readonly #atExit = (): void => this.release();
  #isHeld = true;

  /**
   * Takes the lock of an existing folder.
   *
   * @throws RunInUseError when another process has it; the message says which
   */
  constructor(folder: string) {
    this.#path = join(folder, LOCK_FILE);
    this.#owner = { mark: ownMark, host: hostname(), pid: process.pid, since: new Date().toISOString() };
    const temporary = temporaryPath(this.#path);
    this.#file = openSync(temporary, "wx+");
    try {
      this.#write();
      this.#take(temporary);
    } catch (error) {
      closeSync(this.#file);
      throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
    this.#beat = setInterval(() => this.#write(), BEAT_EVERY).unref();
    process.on("exit", this.#atExit);
  }

  /** Gives the lock back; calling it again does nothing. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    clearInterval(this.#beat);
    process.off("exit", this.#atExit);
    // of the file that is there now only if it is this one
    if (inodeOf(this.#path) === fstatSync(this.#file).ino) rmSync(this.#path, { force: true });
    closeSync(this.#file);
  }

  /** The same bytes again and again: the clock of the file's own machine notes when. */
  #write(): void {
    writeSync(this.#file, `${JSON.stringify(this.#owner)}\n`, 0);
  }

  /**
   * A link cannot be made where there is a file, so of several processes one gets it. Where a dead owner left its file, they
   * compete in the same way for being its heir; the heir then puts its own file in the place.
   */
  #take(temporary: string): void {
    for (;;) {
      if (tryLink(temporary, this.#path)) return;
      const dead = this.#readOwner(this.#path);
      if (dead === null) continue; // given back in the meantime
      this.#refuseLiving(this.#path, dead);
      const heirs = [`${this.#path}.after-${dead.mark}`];
      while (!tryLink(temporary, heirs.at(-1) as string)) {
        const heir = this.#readOwner(heirs.at(-1) as string);
        if (heir === null) break;
        this.#refuseLiving(heirs.at(-1) as string, heir);
        heirs.push(`${this.#path}.after-${heir.mark}`);
      }
      const isHeir = inodeOf(heirs.at(-1) as string) === fstatSync(this.#file).ino;
      // somebody who was heir before this one may have got through
      const isFree = isHeir && this.#readOwner(this.#path)?.mark === dead.mark;
      if (isFree) renameSync(temporary, this.#path);
      if (isHeir) for (const path of isFree ? heirs : heirs.slice(-1)) rmSync(path, { force: true });
      if (isFree) return;
    }
  }

  #refuseLiving(path: string, owner: Owner): void {
    const state = stateOf(owner.mark);
    const silence = state === "elsewhere" ? fstatSync(this.#file).mtimeMs - (mtimeOf(path) ?? 0) : 0;
    if (state === "gone" || silence > GONE_AFTER) return;
    throw new RunInUseError(
      `the run's folder is in use by process ${owner.pid} on ${owner.host} since ${owner.since}: wait for it, or choose another run_id. ` +
        `If that process is gone, remove ${this.#path}`,
    );
  }

  /** Null: the file is gone. */
  #readOwner(path: string): Owner | null {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
    try {
      return JSON.parse(text) as Owner;
    } catch {
      throw new RuntimeError(
        `cannot read '${path}', which says who writes into the run's folder: remove it if nobody does`,
      );
    }
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function mtimeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
