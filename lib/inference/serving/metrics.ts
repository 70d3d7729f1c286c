import { monitorEventLoopDelay } from "node:perf_hooks";
import type { PredictionPool } from "../pool/prediction-pool";

/** Upper ends of the buckets of request times, seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 10;

/** Requests of one path and status. */
interface Series {
  count: number;
  seconds: number;
  readonly buckets: number[];
}

/** What a server counts, in the text format of Prometheus. */
export class ServiceMetrics {
  readonly #series = new Map<string, Series>();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION });

  constructor(private readonly pool: PredictionPool) {
    this.#delay.enable();
  }

  count(path: string, status: number, seconds: number): void {
    const labels = `path="${path}",status="${status}"`;
    const series = this.#series.get(labels) ?? { count: 0, seconds: 0, buckets: BUCKETS.map(() => 0) };
    this.#series.set(labels, series);
    series.count++;
    series.seconds += seconds;
    BUCKETS.forEach((end, i) => {
      if (seconds <= end) series.buckets[i]!++;
    });
  }

  text(): string {
    const lines = [
      "# HELP noether_request_seconds Time from the head of a request to the end of its answer.",
      "# TYPE noether_request_seconds histogram",
      ...[...this.#series].flatMap(([labels, { count, seconds, buckets }]) => [
        ...BUCKETS.map((end, i) => `noether_request_seconds_bucket{${labels},le="${end}"} ${buckets[i]}`),
        `noether_request_seconds_bucket{${labels},le="+Inf"} ${count}`,
        `noether_request_seconds_sum{${labels}} ${seconds}`,
        `noether_request_seconds_count{${labels}} ${count}`,
      ]),
      ...gauge("noether_predictions_busy", "Predictions under way.", this.pool.busy),
      ...gauge("noether_predictions_waiting", "Requests that wait for a thread.", this.pool.waiting),
      ...gauge("noether_threads", "Threads that predict.", this.pool.size),
      ...gauge(
        "noether_event_loop_delay_seconds",
        "99th percentile of the event loop's delay.",
        // Node's histogram holds the times from one look to the next
        Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION) / 1000,
      ),
      ...gauge("process_resident_memory_bytes", "Resident memory.", process.memoryUsage.rss()),
    ];
    return `${lines.join("\n")}\n`;
  }
}

function gauge(name: string, help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`];
}
