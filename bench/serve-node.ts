// One node of the service for bench/serve.ts, in a process of its own, with an engine that only takes time.
import { setTimeout as after } from "node:timers/promises"
import sharp from "sharp"
import type { Engine, ModelInfo } from "../src/request/index.ts"
import { serve } from "../src/server/index.ts"

export interface NodeOptions {
  directory: string
  databaseUrl?: string
  role?: "all" | "api" | "worker"
  /** Milliseconds of one step, and steps of one job. */
  step: number
  steps: number
  batch: number
  /** Whether jobs have a picture; without, only the queue is measured. */
  picture: boolean
  queueCap?: number
  port?: number
}

const options = JSON.parse(process.argv[2]!) as NodeOptions
const grain = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251))
const bytes = await sharp(grain, { raw: { width: 64, height: 64, channels: 3 } })
  .png()
  .toBuffer()
const model: ModelInfo = {
  name: "medium",
  aliases: [],
  title: "Clock",
  variant: "medium",
  weights: "embedded",
  supports: {
    references: true,
    boards: true,
    sliders: true,
    start: true,
    creativity: true,
    guidance: true,
    loras: true,
    candidates: false,
  },
  defaults: { steps: options.steps, guidance: 1, candidates: 1, width: 1024, height: 1024 },
  batch: options.batch,
  parameters: 0,
}
const engine: Engine = {
  models: async () => [model],
  async generate(request, { signal, onProgress } = {}) {
    const began = performance.now()
    for (let step = 1; step <= options.steps; step++) {
      await after(options.step)
      if (signal?.aborted) {
        process.send?.({ aborted: request.prompt, at: Date.now() })
        throw signal.reason
      }
      if (options.steps > 1) onProgress?.({ step, steps: options.steps, secondsLeft: null })
    }
    const pictures = options.picture
      ? [{ index: 0, seed: request.seed ?? 0, width: 64, height: 64, format: "png" as const, bytes }]
      : []
    const total = (performance.now() - began) / 1000
    return { pictures, request, expandedPrompts: [request.prompt], seconds: { total }, notes: [] }
  },
  close: async () => {},
}
const { picture: _p, step: _s, steps: _n, batch: _b, ...served } = options
const running = await serve(
  {
    port: 0,
    ...served,
    logLevel: "silent",
    filter: "off",
    previewEvery: 0,
    localLimits: { concurrency: 2000 },
  },
  options.role === "api" ? null : engine,
)
process.send?.({ url: running.url })
process.on("message", () => void running.close().then(() => process.exit(0)))
