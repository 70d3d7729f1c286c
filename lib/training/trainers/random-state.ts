import { cuda, getRngState, keep, scope, setRngState, Tensor, tensor } from "../../torch";
import { currentRandomNumbers, disposeRandomNumbers, type RandomNumbers, restoreRandomNumbers } from "./random-numbers";

/** Entries of a trainer's checkpoint: state of the default CPU generator now, and at the beginning of the epoch. */
const NOW = "cpu";
const EPOCH_START = "cpu_epoch_start";
/** Entry with a list of the states of the CUDA devices' generators now; absent where there are none. */
const CUDA = "cuda";
/** Entry with the seed that the random numbers of batches start from. */
const DATA_SEED = "data_seed";

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

  /** For the trainer's checkpoint file. */
  stateDict(): Map<string, Tensor | readonly Tensor[]> {
    const now = this.#held ?? { cpu: getRngState(), cuda: cuda.getRngStateAll() };
    const state = new Map<string, Tensor | readonly Tensor[]>([[NOW, now.cpu]]);
    if (now.cuda.length > 0) state.set(CUDA, now.cuda);
    if (this.#epochStart !== null) state.set(EPOCH_START, this.#epochStart);
    if (this.dataSeed !== null) state.set(DATA_SEED, tensor(this.dataSeed, { dtype: "int64" }));
    return state;
  }

  /** Remembers a stored state until the data loader is there. */
  loadStateDict(state: unknown): void {
    const entry = (key: string): unknown =>
      state instanceof Map ? state.get(key) : (state as Record<string, unknown> | null)?.[key];
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

function tensorsIn(list: unknown): Tensor[] {
  return Array.isArray(list) ? list.filter((state): state is Tensor => state instanceof Tensor) : [];
}
