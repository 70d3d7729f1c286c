/**
 * Kinds that configs of the Python framework name and that have no class here. The error says so and lists what there is
 * instead; a kind that gets its class leaves this table (a test checks it).
 */

/** Classes of one package of the Python framework. */
interface MissingKinds {
  /** How their kinds begin; modules below count too, `torch.optim.lbfgs.LBFGS`. */
  readonly package: string;
  readonly classes: readonly string[];
  /** Packages whose registered kinds are named as what there is. */
  readonly instead?: readonly string[];
  /** What else helps. */
  readonly hint?: string;
  /** Default: `is not implemented yet`. */
  readonly status?: string;
}

const NO_CLASS = "has a config but no class, neither here nor in the Python framework";

export const MISSING_KINDS: readonly MissingKinds[] = [
  {
    package: "noether.core.trackers",
    classes: ["TrackioTracker"],
    instead: ["noether.core.trackers"],
    hint: "with tracker=disabled the metrics are in the run directory (tracker/entries.th, tracker/summary.yaml)",
  },
  {
    package: "torch.optim",
    classes: ["LBFGS", "Muon", "Rprop", "SparseAdam"],
    instead: ["torch.optim", "noether.core.optimizer"],
  },
  {
    package: "noether.core.schedules",
    classes: ["PeriodicBoolSchedule", "ProgressSchedule", "SchedulerConfig"],
    instead: ["noether.core.schedules"],
    status: NO_CLASS,
  },
  {
    package: "noether.core.initializers",
    classes: ["CheckpointInitializer"],
    instead: ["noether.core.initializers"],
    status: NO_CLASS,
  },
  {
    package: "noether.training.trainers",
    classes: ["BaseTrainer"],
    instead: ["noether.training.trainers"],
    status: "has no loss of its own",
    hint: "a trainer of your own is a class in a file: ./my-trainer.ts#MyTrainer (docs/training.md)",
  },
  {
    package: "boilerplate_project",
    classes: ["BaseDataset", "BoilerplateCallback", "BoilerplateTrainer"],
    instead: ["boilerplate_project.models"],
    hint: "classes of your own are named by their file: ./my-dataset.ts#MyDataset",
  },
];

/**
 * `"x" is not implemented yet; there are: "a", "b"`, or undefined for kinds that the table does not know.
 *
 * @param available - kinds that have a class
 */
export function missingKindMessage(kind: string, available: Iterable<string>): string | undefined {
  const name = kind.slice(kind.lastIndexOf(".") + 1);
  const row = MISSING_KINDS.find((entry) => kind.startsWith(`${entry.package}.`) && entry.classes.includes(name));
  if (row === undefined) return undefined;
  const isMember = (other: string) => (row.instead ?? []).includes(other.slice(0, other.lastIndexOf(".")));
  const members = [...available].filter(isMember).sort();
  const there =
    members.length === 0
      ? []
      : [`${members.length === 1 ? "there is" : "there are"}: ${members.map(quoted).join(", ")}`];
  return [`"${kind}" ${row.status ?? "is not implemented yet"}`, ...there, ...(row.hint ? [row.hint] : [])].join("; ");
}

function quoted(name: string): string {
  return `"${name}"`;
}
