import { constants } from "node:fs";
import { link, open, readFile, rename, rm, stat } from "node:fs/promises";
import { IoError, systemCode } from "../errors";
import { ownMark, stateOf } from "./process-mark";
import { temporaryPath } from "./temporary";

/** A lock of a process on another machine counts as given up when its file was not touched for so many milliseconds. */
const ABANDONED_AFTER = 60_000;
/** How often a lock's file is touched while it is held. */
const TOUCH_EVERY = 15_000;

/** A lock that is held. */
export interface HeldLock {
  release(): Promise<void>;
}

/** Locks that this process holds, by path, as two of its parts exclude each other too. */
let count = 0;

/**
 * A lock as a file that names its owner. It is given up with its process, also one that was killed: the next who wants it
 * looks whether the owner still runs. It keeps work from being done twice; what is written is whole without it, as
 * everything is written under a name of its own and renamed.
 */
export class FileLock {
  constructor(
    readonly path: string,
    readonly mode = 0o660,
  ) {}

  /** The lock, or null while another has it. */
  async tryAcquire(): Promise<HeldLock | null> {
    const owner = `${ownMark} ${++count} ${Date.now()}`;
    for (let round = 0; round < 3; round++) {
      if (await this.#create(owner)) return this.#held(owner);
      if (!(await this.#removeIfGivenUp())) return null;
    }
    return null;
  }

  /**
   * Waits for the lock.
   *
   * @throws IoError (`IO_LOCKED`) after `timeout` milliseconds. Default: 60 s
   */
  async acquire(
    options: { readonly timeout?: number; readonly poll?: number; readonly signal?: AbortSignal } = {},
  ): Promise<HeldLock> {
    const { timeout = 60_000, poll = 20, signal } = options;
    const end = performance.now() + timeout;
    for (let wait = poll; ; wait = Math.min(wait * 1.5, 250)) {
      signal?.throwIfAborted();
      const held = await this.tryAcquire();
      if (held !== null) return held;
      if (performance.now() >= end)
        throw new IoError(
          "IO_LOCKED",
          `waited ${timeout / 1000} s for the lock ${this.path}, which another process holds`,
        );
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /** The file appears with its content at once: a link to a file that is complete. */
  async #create(owner: string): Promise<boolean> {
    const temporary = temporaryPath(this.path);
    try {
      const file = await open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, this.mode);
      try {
        await file.writeFile(owner);
        await file.chmod(this.mode);
      } finally {
        await file.close();
      }
      await link(temporary, this.path);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  #held(owner: string): HeldLock {
    const touch = setInterval(() => {
      const now = new Date();
      void open(this.path, "r+")
        .then(async (file) => file.utimes(now, now).finally(() => file.close()))
        .catch(() => undefined);
    }, TOUCH_EVERY);
    touch.unref();
    return {
      release: async () => {
        clearInterval(touch);
        if ((await this.#owner()) === owner) await rm(this.path, { force: true });
      },
    };
  }

  async #owner(): Promise<string | null> {
    return readFile(this.path, "utf8").catch(() => null);
  }

  /** @returns whether the lock may be free now */
  async #removeIfGivenUp(): Promise<boolean> {
    const owner = await this.#owner();
    if (owner === null) return true;
    const [mark = ""] = owner.split(" ", 1);
    const state = /^[0-9a-f]{8}-\d+-\d+$/.test(mark) ? stateOf(mark) : "elsewhere";
    if (state === "running") return false;
    if (state === "elsewhere") {
      const status = await stat(this.path).catch(() => null);
      if (status !== null && Date.now() - status.mtimeMs < ABANDONED_AFTER) return false;
    }
    // Another may have removed it and made its own in the meantime. What was taken away by mistake is put back.
    const taken = temporaryPath(this.path);
    try {
      await rename(this.path, taken);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return true;
      throw error;
    }
    if ((await readFile(taken, "utf8").catch(() => null)) !== owner)
      await link(taken, this.path).catch(() => undefined);
    await rm(taken, { force: true });
    return true;
  }
}
