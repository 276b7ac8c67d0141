// An engine for tests of the service: real PNG pictures, made only from the request, with steps that a test can
// hold, slow down or break. It stands in for the port, not for the model.
import { createHash } from "node:crypto"
import { setTimeout as after } from "node:timers/promises"
import sharp from "sharp"
import { encodeImage } from "../../src/image/encode.ts"
import {
  AtelierError,
  type Engine,
  type GenerateOptions,
  type Generation,
  type GenerationRequest,
  type ModelInfo,
  type Picture,
  promptOf,
} from "../../src/request/index.ts"

export const testModel: ModelInfo = {
  name: "medium",
  aliases: ["krea:krea@2-medium", "krea-2/medium", "krea-2-medium"],
  title: "Test Medium",
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
  defaults: { steps: 4, guidance: 3, candidates: 1, width: 1024, height: 1024 },
  batch: 4,
  parameters: 1,
}

export interface TestEngine extends Engine {
  /** Requests seen so far. */
  readonly seen: GenerationRequest[]
  /** Most generations at once. */
  readonly peak: number
}

export interface TestEngineOptions {
  models?: ModelInfo[]
  /** Time of one step; 0 unless given. */
  stepMilliseconds?: number
  /** Awaited before each step: a test holds a job here. */
  beforeStep?: (request: GenerationRequest, step: number) => Promise<void> | void
  /** Side of the pictures; the request's own size unless given. */
  side?: number
  /** What it has to tell of every request. */
  notes?: Generation["notes"]
  /** Writes the request into its files, as the real engine does. */
  hasProvenance?: boolean
}

const read = (request: GenerationRequest, seed: number): string =>
  `${promptOf(request, seed)}, as the model read it`

/** Pixels from everything in the request that shapes a picture, the seed and nothing else. */
async function draw(
  request: GenerationRequest,
  seed: number,
  side?: number,
  hasProvenance = false,
): Promise<Picture["bytes"]> {
  const { count: _count, output, ...shaping } = request
  const hash = createHash("sha256")
    .update(JSON.stringify({ ...shaping, seed }))
    .digest()
  const [width, height] = side ? [side, side] : [request.width, request.height]
  const small = Buffer.alloc(8 * 8 * 3)
  for (let i = 0; i < small.length; i++) small[i] = hash[i % 32]! ^ (i * 7)
  const image = sharp(small, { raw: { width: 8, height: 8, channels: 3 } }).resize(width, height, {
    fit: "fill",
  })
  if (hasProvenance) {
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
    const own = { ...request, seed, count: 1 }
    const told = { request: own, expandedPrompt: read(request, seed), software: "atelier test" }
    return encodeImage({ width: info.width, height: info.height, data }, output, told)
  }
  const { format, quality } = output
  if (format === "png") return image.png({ compressionLevel: 1 }).toBuffer()
  return format === "jpg" ? image.jpeg({ quality }).toBuffer() : image.webp({ quality }).toBuffer()
}

export function testEngine(options: TestEngineOptions = {}): TestEngine {
  const models = options.models ?? [testModel]
  const seen: GenerationRequest[] = []
  let running = 0
  let peak = 0

  async function generate(request: GenerationRequest, o: GenerateOptions = {}): Promise<Generation> {
    seen.push(request)
    running++
    peak = Math.max(peak, running)
    const began = performance.now()
    try {
      const model = models.find((m) => m.name === request.model)
      if (!model) throw new AtelierError("model_not_found", `There is no model ${request.model}.`)
      const steps = request.steps ?? model.defaults.steps
      const seed = request.seed ?? 0
      for (let step = 1; step <= steps; step++) {
        await options.beforeStep?.(request, step)
        if (options.stepMilliseconds) await after(options.stepMilliseconds)
        if (o.signal?.aborted) throw o.signal.reason
        const isDue = o.previewEvery && step % o.previewEvery === 0
        const previews = isDue
          ? await Promise.all(Array.from({ length: request.count }, (_, i) => draw(request, seed + i, 32)))
          : undefined
        o.onProgress?.({ step, steps, secondsLeft: null, ...(previews ? { previews } : {}) })
      }
      const pictures = await Promise.all(
        Array.from({ length: request.count }, async (_, index): Promise<Picture> => {
          const bytes = await draw(request, seed + index, options.side, options.hasProvenance)
          const [width, height] = options.side
            ? [options.side, options.side]
            : [request.width, request.height]
          return { index, seed: seed + index, width, height, format: request.output.format, bytes }
        }),
      )
      const total = (performance.now() - began) / 1000
      return {
        pictures,
        request: { ...request, seed, steps, guidance: request.guidance ?? model.defaults.guidance },
        expandedPrompts: pictures.map((picture) => read(request, picture.seed)),
        seconds: { total },
        notes: options.notes ?? [],
      }
    } finally {
      running--
    }
  }

  return {
    seen,
    get peak() {
      return peak
    },
    models: async () => models,
    generate,
    close: async () => {},
  }
}
