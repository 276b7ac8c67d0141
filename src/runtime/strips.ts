// Pictures that are too large for the autoencoder in one piece: its local parts see them in strips of rows, with the same numbers.
import type { Tensor } from "../graph/index.ts"
import {
  type Borders,
  COMPRESSION,
  decoderReach,
  encoderReach,
  type Reach,
  type VaeConfig,
  type VaeLayout,
} from "../nets/index.ts"
import { decodeGlobalGraph, decodeLocalGraph, encodeGlobalGraph, encodeLocalGraph } from "./graphs.ts"
import type { LoadedGraph, RunOptions, Values } from "./runner.ts"
import type { Value } from "./session.ts"

/** Latent pixels up to which a picture goes through in one piece: 1024 x 1024 pixels. */
const MOST_WHOLE = 128 * 128
/** Latent pixels of a strip without its neighbours' rows, and its least rows, which are more than a neighbour reads of it. */
const MOST_STRIP = 32 * 256
const LEAST_ROWS = 16

/** Rows of the latent, and whether the picture ends with them. */
export interface Strip {
  from: number
  to: number
  borders: Borders
}

/** The strips of a latent, or nothing where it goes through in one piece. */
export function stripsOf(rows: number, columns: number): Strip[] | undefined {
  if (rows * columns <= MOST_WHOLE) return undefined
  return cover(rows, Math.ceil(rows / Math.max(LEAST_ROWS, Math.floor(MOST_STRIP / columns))))
}

/** `count` strips of one height, which ONNX Runtime likes; neighbours may share rows, and compute the same for them. */
export function cover(rows: number, count: number): Strip[] {
  const height = Math.ceil(rows / count)
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * (rows - height)) / Math.max(1, count - 1))
    const to = from + height
    return { from, to, borders: { top: from === 0, bottom: to === rows } }
  })
}

/** An autoencoder whose graphs are opened for one picture and closed after it: what they hold is large. */
export interface StripVae {
  config: VaeConfig
  layout: VaeLayout
  open: (outputs: Record<string, Tensor>) => Promise<LoadedGraph>
}

/** Latent [B,z,h,w] -> picture [B,3,8h,8w]; with `pixels: "picture"`, bytes [B,8h,8w,3]. An aborted signal ends it between strips. */
export async function decodeStrips(
  { config, layout, open }: StripVae,
  latent: Value,
  strips: readonly Strip[],
  { signal, ...options }: RunOptions & { signal?: AbortSignal },
): Promise<Value> {
  signal?.throwIfAborted()
  const { map } = await runOnce(open(decodeGlobalGraph(config, layout)), { latent })
  const rows = decoderReach(config)[0]!
  return await joined(map!, strips, {
    scales: [1, COMPRESSION],
    reach: { above: rows, below: rows },
    axis: options.pixels ? 1 : 2,
    open: (_, borders) => open(decodeLocalGraph(config, layout, borders)),
    run: async (graph, part) => (await graph.run({ map: part }, options)).picture!,
    signal,
  })
}

/** Picture [1,3,8h,8w] in -1..1 -> latent [1,z,h,w]. An aborted signal ends it between strips. */
export async function encodeStrips(
  { config, layout, open }: StripVae,
  picture: Value,
  strips: readonly Strip[],
  signal?: AbortSignal,
): Promise<Value> {
  const map = await joined(picture, strips, {
    scales: [COMPRESSION, 1],
    reach: encoderReach(config)[0]!,
    axis: 2,
    open: ([height, width], borders) => open(encodeLocalGraph(config, [height, width], layout, borders)),
    run: async (graph, part) => (await graph.run({ picture: part })).map!,
    signal,
  })
  const [, , height, width] = map.shape as [number, number, number, number]
  return (await runOnce(open(encodeGlobalGraph(config, [height, width], layout)), { map })).latent!
}

async function runOnce(opening: Promise<LoadedGraph>, feeds: Record<string, Value>): Promise<Values> {
  const graph = await opening
  try {
    return await graph.run(feeds)
  } finally {
    await graph.close()
  }
}

interface Way {
  /** Rows that go in, and that come out, per row of the latent. */
  scales: readonly [number, number]
  /** Rows that go in beyond a strip's own. */
  reach: Reach
  /** Where the rows are in the shape of what comes out. */
  axis: number
  open: (size: readonly [height: number, width: number], borders: Borders) => Promise<LoadedGraph>
  run: (graph: LoadedGraph, part: Value) => Promise<Value>
  signal: AbortSignal | undefined
}

/** Every strip of a value [B,C,H,W] through its graph, and what comes out as one. */
async function joined(
  whole: Value,
  strips: readonly Strip[],
  { scales: [into, outOf], reach, axis, open, run, signal }: Way,
): Promise<Value> {
  let graph: { key: string; loaded: LoadedGraph } | undefined
  let result: Value | undefined
  try {
    for (const { from, to, borders } of strips) {
      signal?.throwIfAborted()
      const part = rowsOf(
        whole,
        borders.top ? 0 : from * into - reach.above,
        borders.bottom ? whole.shape[2]! : to * into + reach.below,
      )
      const [, , height, width] = part.shape as [number, number, number, number]
      const key = JSON.stringify([height, borders])
      if (graph?.key !== key) {
        await graph?.loaded.close()
        graph = undefined
        graph = { key, loaded: await open([height, width], borders) }
      }
      const found = await run(graph.loaded, part)
      result ??= empty(found, axis, strips.at(-1)!.to * outOf)
      putRows(result, axis, from * outOf, found)
    }
  } finally {
    await graph?.loaded.close()
  }
  return result!
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/** Rows of a value [B,C,H,W] of floats. */
function rowsOf({ type, shape, data }: Value, from: number, to: number): Value {
  const [batch, channels, height, width] = shape as [number, number, number, number]
  const part = new Float32Array(batch * channels * (to - from) * width)
  for (let plane = 0; plane < batch * channels; plane++) {
    const at = plane * height * width
    part.set((data as Float32Array).subarray(at + from * width, at + to * width), plane * (to - from) * width)
  }
  return { type, shape: [batch, channels, to - from, width], data: part }
}

function empty({ type, shape, data }: Value, axis: number, rows: number): Value {
  const size = shape.with(axis, rows)
  const length = product(size)
  return {
    type,
    shape: size,
    data: data instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length),
  }
}

/** Writes a part's rows into a value that differs from it in their number only. */
function putRows(value: Value, axis: number, at: number, part: Value): void {
  const planes = product(part.shape.slice(0, axis))
  const row = product(part.shape.slice(axis + 1))
  const each = part.data.length / planes
  const [into, from] = [value.data as Float32Array, part.data as Float32Array]
  for (let plane = 0; plane < planes; plane++)
    into.set(from.subarray(plane * each, (plane + 1) * each), (plane * value.shape[axis]! + at) * row)
}
