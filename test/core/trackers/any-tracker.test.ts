import { AnyTracker } from "../../../lib/core/trackers";

test("AnyTracker keeps what the tracker needs", () => {
  expect(AnyTracker.parse({ kind: "noether.core.trackers.TensorboardTracker", more: 1 })).toEqual({
    kind: "noether.core.trackers.TensorboardTracker",
    log_dir: "runs",
    flush_secs: 60,
  });
});
