import { DecreasingProgressSchedule, IncreasingProgressSchedule, linearProgress } from "./progress";

function cosineProgress(step: number, totalSteps: number): number {
  return 1 - (1 + Math.cos(Math.PI * linearProgress(step, totalSteps))) / 2;
}

/** From `start_value` to `max_value` along half a cosine. */
export class CosineIncreasingSchedule extends IncreasingProgressSchedule {
  override getProgress(step: number, totalSteps: number): number {
    return cosineProgress(step, totalSteps);
  }
}

/** From `max_value` to `end_value` along half a cosine. */
export class CosineDecreasingSchedule extends DecreasingProgressSchedule {
  override getProgress(step: number, totalSteps: number): number {
    return cosineProgress(step, totalSteps);
  }
}
