import { DecreasingProgressSchedule, IncreasingProgressSchedule, linearProgress } from "./progress";

/** From `start_value` to `max_value` in equal steps. */
export class LinearIncreasingSchedule extends IncreasingProgressSchedule {
  override getProgress(step: number, totalSteps: number): number {
    return linearProgress(step, totalSteps);
  }
}

/** From `max_value` to `end_value` in equal steps. */
export class LinearDecreasingSchedule extends DecreasingProgressSchedule {
  override getProgress(step: number, totalSteps: number): number {
    return linearProgress(step, totalSteps);
  }
}
