import { allGatherValues, getRank, getWorldSize, isDistributed } from "../../core/distributed";
import { getLogger } from "../../core/logging";
import { cuda, fromBytes, getRngState, keep, scope, setRngState, Tensor, tensor } from "../../torch";
import { currentRandomNumbers, disposeRandomNumbers, type RandomNumbers, restoreRandomNumbers } from "./random-numbers";

/** Entries of a trainer's checkpoint: state of the default CPU generator now, and at the beginning of the epoch. */
const NOW = "cpu";
const EPOCH_START = "cpu_epoch_start";
/** Entry with a list of the states of the CUDA devices' generators now; absent where there are none. */
const CUDA = "cuda";
/** Entry with the seed that the random numbers of batches start from. */
const DATA_SEED = "data_seed";
/** Entry with a list of the same entries of the other processes, from rank 1 on; absent in a run of one process. */
const OTHER_RANKS = "other_ranks";

type StateDict = Map<string, Tensor | readonly Tensor[] | readonly StateDict[]>;

/**
 * The random numbers of training, kept apart from those that callbacks draw, so that a resumed run draws the same numbers
 * as one that was never interrupted.
 */
export class TrainingRandomness {
  /** State of training while a callback runs. */
  #held: RandomNumbers | null = null;
  /** State before the order of the current epoch was drawn. */
  #epochStart: Tensor | null = null;
  #resumed: { now: RandomNumbers; epochStart: Tensor | null } | null = null;
  /** Where the random numbers of batches start; null until the loader of training is there. A stored one comes first. */
  dataSeed: bigint | null = null;

  /** Marks the beginning of an epoch. */
  markEpochStart(): void {
    this.#epochStart?.dispose();
    this.#epochStart = keep(getRngState());
  }

  /** Runs callbacks: whatever they draw, training continues with the numbers that it would have drawn without them. */
  async isolate<T>(run: () => Promise<T>): Promise<T> {
    if (this.#held !== null) {
      return run();
    }
    const numbers = currentRandomNumbers();
    this.#held = numbers;
    try {
      return await run();
    } finally {
      restoreRandomNumbers(numbers);
      disposeRandomNumbers(numbers);
      this.#held = null;
    }
  }

  #isAlone = false;

  /** From now on the states of the other processes are left out: after an error here they do something else, and would not answer. */
  stopGathering(): void {
    this.#isAlone = true;
  }

  /** For the trainer's checkpoint file. Of several processes all have to call it: the file has the random numbers of all. */
  stateDict(): StateDict {
    const own = this.#ownState();
    if (!isDistributed() || this.#isAlone) return own;
    const [, ...others] = allGatherValues(packed(own));
    return (new Map(own) as StateDict).set(OTHER_RANKS, others.map(unpacked));
  }

  #ownState(): OwnState {
    const now = this.#held ?? { cpu: getRngState(), cuda: cuda.getRngStateAll() };
    const state: OwnState = new Map<string, Tensor | readonly Tensor[]>([[NOW, now.cpu]]);
    if (now.cuda.length > 0) state.set(CUDA, now.cuda);
    if (this.#epochStart !== null) state.set(EPOCH_START, this.#epochStart);
    if (this.dataSeed !== null) state.set(DATA_SEED, tensor(this.dataSeed, { dtype: "int64" }));
    return state;
  }

  /** Remembers a stored state until the data loader is there. */
  loadStateDict(stored: unknown): void {
    const state = ofThisProcess(stored);
    if (state === null) return;
    const entry = (key: string): unknown => entryIn(state, key);
    const now = entry(NOW);
    const ofDevices = entry(CUDA) ?? [];
    const epochStart = entry(EPOCH_START);
    const dataSeed = entry(DATA_SEED);
    if (dataSeed instanceof Tensor) this.dataSeed = scope(() => BigInt(dataSeed.itemScalar() as bigint));
    this.#resumed =
      now instanceof Tensor
        ? {
            now: keep({ cpu: now, cuda: tensorsIn(ofDevices) }),
            epochStart: epochStart instanceof Tensor ? keep(epochStart) : null,
          }
        : null;
  }

  /** Whether a stored state waits to be restored. */
  get isResumed(): boolean {
    return this.#resumed !== null;
  }

  /** Restores the state of the beginning of the epoch, from which its order is drawn again. */
  resumeEpochStart(): void {
    if (this.#resumed?.epochStart != null) setRngState(this.#resumed.epochStart);
  }

  /** Restores the state of the point where training was interrupted. */
  resumeNow(): void {
    if (this.#resumed === null) return;
    restoreRandomNumbers(this.#resumed.now);
    disposeRandomNumbers(this.#resumed.now);
    this.#resumed.epochStart?.dispose();
    this.#resumed = null;
  }
}

type OwnState = Map<string, Tensor | readonly Tensor[]>;

function entryIn(state: unknown, key: string): unknown {
  return state instanceof Map ? state.get(key) : (state as Record<string, unknown> | null)?.[key];
}

/** What a checkpoint has for this process; null where the run had fewer: then it goes on with the numbers of its own seed. */
function ofThisProcess(stored: unknown): unknown {
  const others = entryIn(stored, OTHER_RANKS);
  const count = 1 + (Array.isArray(others) ? others.length : 0);
  const rank = getRank();
  if (getWorldSize() !== count && rank === 0 && stored !== undefined) {
    getLogger("BaseTrainer").warning(
      `the checkpoint is of a run with ${count} processes, this one has ${getWorldSize()}: samples come in the same order, other random numbers differ`,
    );
  }
  if (rank === 0) return stored;
  return Array.isArray(others) && rank < count ? others[rank - 1] : null;
}

/** As plain values, which travel between processes. */
function packed(state: OwnState): [key: string, bytes: string[], isList: number, dtype: string][] {
  return [...state].map(([key, value]) => {
    const list = value instanceof Tensor ? [value] : value;
    const bytes = list.map((each) => Buffer.from(each.bytes()).toString("base64"));
    return [key, bytes, value instanceof Tensor ? 0 : 1, key === DATA_SEED ? "int64" : "uint8"];
  });
}

function unpacked(entries: ReturnType<typeof packed>): StateDict {
  return new Map(
    entries.map(([key, texts, isList, dtype]) => {
      const tensors = texts.map((text) => {
        const bytes = Buffer.from(text, "base64");
        return dtype === "int64" ? fromBytes(bytes, [], "int64") : fromBytes(bytes, [bytes.length], "uint8");
      });
      return [key, isList === 1 ? tensors : tensors[0]!];
    }),
  );
}

function tensorsIn(list: unknown): Tensor[] {
  return Array.isArray(list) ? list.filter((state): state is Tensor => state instanceof Tensor) : [];
}
