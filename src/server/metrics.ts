// Counters, gauges and histograms in Prometheus' text form. Small enough not to need a package.
import { monitorEventLoopDelay } from "node:perf_hooks"

type Labels = Record<string, string>

const labelText = (labels: Labels): string => {
  const parts = Object.entries(labels).map(([k, v]) => `${k}="${v.replace(/[\\"\n]/g, "_")}"`)
  return parts.length ? `{${parts.join(",")}}` : ""
}

class Counter {
  readonly #values = new Map<string, number>()
  readonly name: string
  readonly help: string
  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }
  inc(labels: Labels = {}, by = 1): void {
    const key = labelText(labels)
    this.#values.set(key, (this.#values.get(key) ?? 0) + by)
  }
  lines(): string[] {
    return [...this.#values].map(([labels, v]) => `${this.name}${labels} ${v}`)
  }
  readonly type = "counter"
}

class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #n = 0
  readonly name: string
  readonly help: string
  readonly type = "histogram"
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }
  observe(value: number): void {
    this.#sum += value
    this.#n++
    for (const [i, bound] of this.#bounds.entries()) if (value <= bound) this.#counts[i]!++
  }
  lines(): string[] {
    const buckets = this.#bounds.map((b, i) => `${this.name}_bucket{le="${b}"} ${this.#counts[i]}`)
    return [
      ...buckets,
      `${this.name}_bucket{le="+Inf"} ${this.#n}`,
      `${this.name}_sum ${this.#sum}`,
      `${this.name}_count ${this.#n}`,
    ]
  }
}

const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900]

export class Metrics {
  readonly submitted = new Counter("atelier_jobs_submitted_total", "Jobs stored, by dialect.")
  readonly ended = new Counter("atelier_jobs_ended_total", "Jobs over, by state.")
  readonly failures = new Counter("atelier_failures_total", "Failed jobs, by error code.")
  readonly pictures = new Counter("atelier_pictures_total", "Pictures made.")
  readonly requests = new Counter("atelier_http_requests_total", "HTTP answers, by status.")
  readonly webhooks = new Counter("atelier_webhook_attempts_total", "Webhook attempts, by outcome.")
  readonly wait = new Histogram("atelier_wait_seconds", "From submit to start.", SECONDS)
  readonly run = new Histogram("atelier_run_seconds", "From start to end.", SECONDS)
  readonly step = new Histogram("atelier_step_seconds", "One denoiser step of a job.", SECONDS)
  readonly fill = new Histogram(
    "atelier_batch_pictures",
    "Pictures in flight at a step.",
    [1, 2, 4, 8, 16, 32],
  )
  readonly submit = new Histogram(
    "atelier_submit_seconds",
    "Answer time of submits.",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  )
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })

  constructor() {
    this.#delay.enable()
  }

  close(): void {
    this.#delay.disable()
  }

  /** Event loop delay since the last call: seconds at the 99th percentile. */
  loopDelay(): number {
    const seconds = this.#delay.percentile(99) / 1e9
    this.#delay.reset()
    return seconds
  }

  /** The page at /metrics; `queue` is read from the database at that moment. */
  text(queue: { state: string; n: number }[]): string {
    const kept = [
      this.submitted,
      this.ended,
      this.failures,
      this.pictures,
      this.requests,
      this.webhooks,
      this.wait,
      this.run,
      this.step,
      this.fill,
      this.submit,
    ]
    const gauge = (name: string, help: string, lines: string[]): string[] => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} gauge`,
      ...lines,
    ]
    return [
      ...kept.flatMap((m) => [`# HELP ${m.name} ${m.help}`, `# TYPE ${m.name} ${m.type}`, ...m.lines()]),
      ...gauge(
        "atelier_queue_jobs",
        "Unfinished jobs, by state.",
        queue.map((q) => `atelier_queue_jobs{state="${q.state}"} ${q.n}`),
      ),
      ...gauge("atelier_loop_delay_seconds", "Event loop delay since the last scrape, 99th percentile.", [
        `atelier_loop_delay_seconds ${this.loopDelay()}`,
      ]),
      ...gauge("atelier_resident_bytes", "Resident memory.", [
        `atelier_resident_bytes ${process.memoryUsage.rss()}`,
      ]),
      "",
    ].join("\n")
  }
}
