import { Stopwatch } from "../../../lib/core/logging/stopwatch";

describe("Stopwatch", () => {
  const clock =
    (...times: number[]) =>
    () =>
      times.shift() as number;

  test("start and stop", () => {
    const watch = new Stopwatch(clock(0, 5.5)).start();
    watch.stop();
    expect([watch.elapsedSeconds, watch.elapsedMilliseconds]).toEqual([5.5, 5500]);
  });

  test("laps", () => {
    const watch = new Stopwatch(clock(10, 12, 12, 15)).start();
    expect(watch.lap()).toBe(2);
    expect(watch.stop()).toBe(3);
    expect([watch.elapsedSeconds, watch.averageLapTime, watch.lapCount, watch.lastLapTime]).toEqual([5, 2.5, 2, 3]);
  });

  test("wrong order of calls", () => {
    expect(() => new Stopwatch().stop()).toThrow("can't stop a stopped stopwatch");
    expect(() => new Stopwatch().lap()).toThrow("lap requires stopwatch to be started");
    expect(() => new Stopwatch().start().start()).toThrow("can't start running stopwatch");
    expect(() => new Stopwatch().elapsedSeconds).toThrow("to have been started");
    expect(() => new Stopwatch().start().elapsedSeconds).toThrow("to be stopped");
  });
});
