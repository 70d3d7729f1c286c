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
  /** What the error says of them. */
  readonly status: string;
}

const NO_CLASS = "has a config but no class, neither here nor in the Python framework";

export const MISSING_KINDS: readonly MissingKinds[] = [
  {
    package: "torch.optim",
    classes: ["LBFGS"],
    status: "needs a closure that computes the loss again, which a trainer has no place for",
    instead: ["torch.optim", "noether.core.optimizer"],
    hint: "in loops of your own it is optim.LBFGS of noether-ts/torch",
  },
  {
    package: "torch.optim",
    classes: ["SparseAdam"],
    status: "takes sparse gradients only, which no model here has",
    instead: ["torch.optim", "noether.core.optimizer"],
    hint: "in loops of your own it is optim.SparseAdam of noether-ts/torch",
  },
  {
    package: "torch.optim",
    classes: ["Rprop"],
    status: "has no weight decay, which configs always give, and expects gradients of the whole data set",
    instead: ["torch.optim", "noether.core.optimizer"],
    hint: "in loops of your own it is optim.Rprop of noether-ts/torch",
  },
  {
    package: "torch.optim",
    classes: ["Muon"],
    status: "takes matrices only, and a model has vectors, too",
    instead: ["torch.optim", "noether.core.optimizer"],
    hint: "noether.core.optimizer.MuonComposite gives the others to a second optimizer",
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
    status: "is a class of a template, which a new project has under a name of its own (noether-ts init)",
    hint: "classes of your own are named by their file: ./my-dataset.ts#MyDataset",
  },
];

/**
 * `"x" takes sparse gradients only; there are: "a", "b"`, or undefined for kinds that the table does not know.
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
  return [`"${kind}" ${row.status}`, ...there, ...(row.hint ? [row.hint] : [])].join("; ");
}

function quoted(name: string): string {
  return `"${name}"`;
}
