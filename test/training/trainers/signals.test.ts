import { type LogRecord, rootLogger } from "../../../lib/core/logging";
import { StopSignals } from "../../../lib/training/trainers/signals";

/** The signals are only emitted, and the one that would end this process is caught. */

let signals: StopSignals;
let messages: string[];
const onEnd = jest.fn();
const kill = jest.spyOn(process, "kill").mockReturnValue(true);
beforeEach(() => {
  messages = [];
  onEnd.mockClear();
  kill.mockClear();
  rootLogger().handlers = [{ level: 0, handle: ({ message }: LogRecord) => void messages.push(message) }];
});
afterEach(() => {
  signals.close();
  rootLogger().handlers = [];
});
afterAll(() => kill.mockRestore());
const open = (interrupt: boolean) => (signals = new StopSignals({ interrupt, onEnd }));

test.each(["SIGTERM", "SIGINT"] as const)("%s is a request to stop; a second one ends the process", (signal) => {
  open(true);
  process.emit(signal, signal);
  expect([signals.received, kill.mock.calls]).toEqual([signal, []]);
  expect(messages).toEqual([
    expect.stringMatching(`received ${signal}: saving a checkpoint .*a second signal stops at once`),
  ]);
  process.emit(signal, signal);
  expect(kill.mock.calls).toEqual([[process.pid, signal]]);
  expect(onEnd).toHaveBeenCalledTimes(1);
});

test("without save_on_sigint Ctrl-C ends the process at once, with one line that says how to get a checkpoint", () => {
  open(false);
  process.emit("SIGINT", "SIGINT");
  expect(messages).toEqual([expect.stringContaining("trainer.save_on_sigint: true")]);
  expect(kill.mock.calls).toEqual([[process.pid, "SIGINT"]]);
  expect([signals.received, onEnd.mock.calls.length, process.listenerCount("SIGINT")]).toEqual([null, 1, 0]);
});
