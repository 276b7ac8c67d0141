// One measurement in its own process, so that its peak memory is its own: a JSON job in, a JSON result out.
import { readFileSync } from "node:fs"
import * as ort from "onnxruntime-node"
import type { Tensor } from "../src/graph/index.ts"
import { type DitConfig, imageRope } from "../src/nets/index.ts"
import { denoiserGraph, fusionGraph } from "../src/runtime/graphs.ts"
import { compileHere, denoiserFeeds } from "../src/runtime/networks.ts"
import { SETTINGS } from "../src/runtime/session.ts"
import { type Geometry, geometries, grid, type Precision } from "./geometry.ts"
import { operations, type Product, productsOf, type SourceOf, timeProduct } from "./products.ts"
import { folder, type Layout, weightFile } from "./weights.ts"

export interface Job {
  geometry: Geometry
  precision: Precision
  layout: Layout
  unpack: "run" | "load"
  image: number
  text: number
  threads: number
  repeats: number
  /** Only makes the weights, so that the memory of making them is not counted. */
  prepare?: boolean
  /** Session settings to try, by their ONNX Runtime names without "session.". */
  settings?: Record<string, string>
  /** Prefix of profile files. */
  profile?: string
}

export interface Timing {
  medianMs: number
  minimumMs: number
  /** Least processor time over all threads: what a busy machine does not change much. */
  processorMs: number
  loadSeconds: number
}

export interface Result {
  perPrompt: Timing
  perStep: Timing
  /** Bare products of one step: all, and those of weights alone. */
  productsMs: number
  weightProductsMs: number
  operations: number
  share: number
  /** The same share in processor time. */
  processorShare: number
  /** Of 4 bits: the share against ONNX Runtime's own product of 4-bit weights, in blocks of 128. */
  fourBitShare?: number
  peakGb: number
}

/** The engine's own graphs: what is measured is what a picture runs. */
export const textOutputs = (c: DitConfig): Record<string, Tensor> => fusionGraph(c)
export const stepOutputs = (c: DitConfig): Record<string, Tensor> => denoiserGraph(c)

/** Numbers in -1..1 of no particular kind. */
export function noise(count: number): Float32Array {
  const x = new Float32Array(count)
  let state = 1
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    x[i] = (state / 2 ** 32) * 2 - 1
  }
  return x
}

export const floats = (data: Float32Array, shape: readonly number[]): ort.Tensor =>
  new ort.Tensor("float32", data, shape)

export function stepFeeds(c: DitConfig, image: number, text: number): Record<string, ort.Tensor> {
  const [rows, columns] = grid(image)
  const feeds = denoiserFeeds(
    {
      image: noise(image * c.channels * c.patch ** 2),
      times: [0.7],
      text: noise(text * c.features),
      valid: new Uint8Array(text).fill(1),
      rope: imageRope(text, rows, columns, c.headDim),
    },
    c,
  )
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { data, shape }]) => [name, floats(data as Float32Array, shape)]),
  )
}

function textFeeds(c: DitConfig, text: number): Record<string, ort.Tensor> {
  const taps = noise(text * c.textLayers * c.textDim)
  return {
    taps: floats(taps, [1, text, c.textLayers, c.textDim]),
    bias: floats(new Float32Array(text), [1, 1, 1, text]),
  }
}

export function sessionOptions(job: Job): ort.InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: job.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: {
      session: { ...SETTINGS, model_external_initializers_file_folder_path: folder, ...job.settings },
    },
  }
}

async function time(
  job: Job,
  outputs: Record<string, Tensor>,
  feeds: Record<string, ort.Tensor>,
  source: Awaited<ReturnType<typeof weightFile>>["source"],
): Promise<Timing> {
  const start = performance.now()
  const model = compileHere(outputs, { weights: source, unpack: job.unpack })
  const profiled = job.profile ? { enableProfiling: true, profileFilePrefix: job.profile } : {}
  const session = await ort.InferenceSession.create(model, { ...sessionOptions(job), ...profiled })
  const loadSeconds = (performance.now() - start) / 1000
  const times: number[] = []
  // The first run grows the arena and is not counted.
  let processorMs = Number.POSITIVE_INFINITY
  for (let i = 0; i <= job.repeats; i++) {
    const from = performance.now()
    const before = process.cpuUsage()
    await session.run(feeds)
    const { user, system } = process.cpuUsage(before)
    if (i === 0) continue
    times.push(performance.now() - from)
    processorMs = Math.min(processorMs, (user + system) / 1000)
  }
  if (job.profile) session.endProfiling()
  await session.release()
  times.sort((a, b) => a - b)
  return { medianMs: times[times.length >> 1]!, minimumMs: times[0]!, processorMs, loadSeconds }
}

/** Peak resident memory of this process, file pages included, in 10^9 bytes. */
function peakGb(): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))
  return (line ? Number(line[1]) * 1024 : process.resourceUsage().maxRSS * 1024) / 1e9
}

/** The same weights as if they were stored in ONNX Runtime's own 4-bit form. */
const inBlocks =
  (source: SourceOf): SourceOf =>
  (name, shape) => {
    const from = source(name, shape)
    return from.kind === "integers" ? { ...from, kind: "blocks", blockSize: 128 } : from
  }

async function measure(job: Job): Promise<Result | undefined> {
  const c = geometries[job.geometry]
  const [text, step] = [textOutputs(c), stepOutputs(c)]
  const file = await weightFile(
    job.geometry,
    [...Object.values(text), ...Object.values(step)],
    job.precision,
    job.layout,
  )
  if (job.prepare) return undefined
  const perPrompt = await time(job, text, textFeeds(c, job.text), file.source)
  const perStep = await time(job, step, stepFeeds(c, job.image, job.text), file.source)
  const peak = peakGb()
  const sizes = new Map(Object.entries({ B: 1, N: job.image, T: job.text }))
  let [productsMs, weightProductsMs, processorMs, total] = [0, 0, 0, 0]
  const timed = (p: Product): ReturnType<typeof timeProduct> =>
    timeProduct(p, operations(p) / p.times > 1e10 ? 4 : 12, sessionOptions(job))
  for (const p of productsOf(Object.values(step), sizes, file.source)) {
    const least = await timed(p)
    productsMs += least.ms * p.times
    processorMs += least.processorMs * p.times
    if (p.batch === 1) weightProductsMs += least.ms * p.times
    total += operations(p)
  }
  let fourBitMs = 0
  if (job.precision === "q4" && job.layout === "rows")
    for (const p of productsOf(Object.values(step), sizes, inBlocks(file.source)))
      fourBitMs += (await timed(p)).ms * p.times
  const share = productsMs / perStep.minimumMs
  const processorShare = processorMs / perStep.processorMs
  return {
    perPrompt,
    perStep,
    productsMs,
    weightProductsMs,
    operations: total,
    share,
    processorShare,
    ...(fourBitMs > 0 && { fourBitShare: fourBitMs / perStep.minimumMs }),
    peakGb: peak,
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  console.log(JSON.stringify((await measure(JSON.parse(process.argv[2]!) as Job)) ?? null))
