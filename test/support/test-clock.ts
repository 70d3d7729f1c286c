import type { Clock } from "../../lib/io";

/** Time that passes only while somebody sleeps; nobody waits. */
export class TestClock implements Clock {
  time = 0;
  /** Milliseconds of each sleep. */
  readonly sleeps: number[] = [];

  now(): number {
    return this.time;
  }

  random(): number {
    return 1;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.sleeps.push(milliseconds);
    this.time += milliseconds;
    return new Promise((resolve) => setImmediate(resolve));
  }
}
