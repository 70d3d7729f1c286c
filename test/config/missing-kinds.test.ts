import "../../lib";
import { MISSING_KINDS, missingKindMessage } from "../../lib/config/missing-kinds";
import { findKind, lookupKind, notImplementedMessage, unknownKindMessage } from "../../lib/config/registry";
import { Factory } from "../../lib/config/factory/factory";

/** Kinds of the Python framework, releases 1.1 and 2026.4, that have no class here. */
describe("kinds that have no class here", () => {
  test.each([
    ["torch.optim.LBFGS", /needs a closure.*there are: .*"torch.optim.AdamW".*optim.LBFGS of noether-ts/],
    ["torch.optim.lbfgs.LBFGS", /needs a closure.*there are: .*"noether.core.optimizer.Lion"/],
    ["torch.optim.SparseAdam", /takes sparse gradients only/],
    ["torch.optim.Rprop", /has no weight decay/],
    ["torch.optim.Muon", /takes matrices only.*MuonComposite gives the others/],
  ])("%s", (kind, hint) => {
    const message = unknownKindMessage(kind);
    expect(message).toMatch(hint);
    expect(message).not.toContain("unknown kind");
    expect(() => new Factory().instantiate({ kind })).toThrow(message);
  });

  test("a trainer without a loss", () => {
    expect(unknownKindMessage("noether.training.trainers.BaseTrainer")).toMatch(
      /has no loss of its own; there is: "noether.training.trainers.WeightedLossTrainer"; a trainer of your own is/,
    );
  });

  test("what has no class in the Python framework either", () => {
    expect(unknownKindMessage("noether.core.schedules.PeriodicBoolSchedule")).toMatch(
      /has a config but no class, neither here nor in the Python framework; there are: "noether.core.schedules.ConstantSchedule"/,
    );
  });

  test("what there is are classes, and each once", () => {
    const named = unknownKindMessage("torch.optim.LBFGS")
      .match(/"[^"]+"/g)!
      .slice(1);
    expect(new Set(named).size).toBe(named.length);
    for (const name of named) expect(lookupKind(name.slice(1, -1)).class).toBeDefined();
  });

  test("a kind that has its class leaves the table", () => {
    const kinds = MISSING_KINDS.flatMap((row) => row.classes.map((name) => `${row.package}.${name}`));
    expect(kinds.filter((kind) => findKind(kind)?.class)).toEqual([]);
  });

  test("other kinds are unknown, with the nearest name or the way to own classes", () => {
    expect(notImplementedMessage("noether.core.callbacks.CheckpointCallback")).toBeUndefined();
    expect(missingKindMessage("my.package.WandBTracker", [])).toBeUndefined();
    expect(unknownKindMessage("torch.optim.AdmW")).toMatch(
      /^unknown kind "torch.optim.AdmW"; did you mean "torch.optim.AdamW"/,
    );
    expect(unknownKindMessage("zzz.Qqqqqq")).toContain("a class of your own is named by its file");
  });
});
