// The DiT once more, from architecture.md 2 alone: float64, plain loops, no code of the engine. Slow and independent.

/** A matrix of rows. */
type Rows = number[][]
export type Tensors = ReadonlyMap<string, Float32Array>

export interface ReferenceConfig {
  features: number
  heads: number
  kvHeads: number
  layers: number
  timeDim: number
  textHeads: number
  textKvHeads: number
  textLayers: number
  textDim: number
  theta: number
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const silu = (x: number): number => x * sigmoid(x)
const gelu = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

const norm = (x: readonly number[], scale: ArrayLike<number>): number[] => {
  const mean = x.reduce((sum, v) => sum + v * v, 0) / x.length
  return x.map((v, i) => (v / Math.sqrt(mean + 1e-5)) * (1 + scale[i]!))
}

/** y = x W^T + b. */
function linear(x: Rows, weights: Tensors, name: string): Rows {
  const weight = weights.get(`${name}.weight`)!
  const bias = weights.get(`${name}.bias`)
  const inner = x[0]!.length
  return x.map((row) =>
    Array.from({ length: weight.length / inner }, (_, o) =>
      row.reduce((sum, v, i) => sum + v * weight[o * inner + i]!, bias?.[o] ?? 0),
    ),
  )
}

/** Adjacent pairs turned by position (axis 0, row, column). */
function rotate(x: readonly number[], position: readonly number[], theta: number): number[] {
  const u = Math.floor(x.length / 16)
  const out = [...x]
  let at = 0
  for (const [axis, size] of [x.length - 12 * u, 6 * u, 6 * u].entries())
    for (let k = 0; k < size / 2; k++, at += 2) {
      const angle = position[axis]! * theta ** ((-2 * k) / size)
      out[at] = x[at]! * Math.cos(angle) - x[at + 1]! * Math.sin(angle)
      out[at + 1] = x[at]! * Math.sin(angle) + x[at + 1]! * Math.cos(angle)
    }
  return out
}

interface Attention {
  heads: number
  kvHeads: number
  theta: number
  /** Position of every row; none is turned without. */
  positions?: Rows
  /** Whether a row may be read. */
  valid?: ArrayLike<number>
}

function attention(x: Rows, w: Tensors, name: string, options: Attention): Rows {
  const { heads, kvHeads, positions, valid, theta } = options
  const size = x[0]!.length / heads
  const part = (row: number[], head: number): number[] => row.slice(head * size, (head + 1) * size)
  const turned = (row: number[], i: number, head: number, scale: string): number[] => {
    const normed = norm(part(row, head), w.get(`${name}.qknorm.${scale}.scale`)!)
    return positions ? rotate(normed, positions[i]!, theta) : normed
  }
  const [q, k, v, gate] = ["wq", "wk", "wv", "gate"].map((p) => linear(x, w, `${name}.${p}`)) as [
    Rows,
    Rows,
    Rows,
    Rows,
  ]
  const mixed = x.map(() => new Array<number>(heads * size).fill(0))
  for (let head = 0; head < heads; head++) {
    const shared = Math.floor(head / (heads / kvHeads))
    const keys = k.map((row, i) => turned(row, i, shared, "knorm"))
    for (const [i, row] of q.entries()) {
      const query = turned(row, i, head, "qnorm")
      const scores = keys.map((key, j) =>
        valid && !valid[j] ? -Infinity : key.reduce((sum, n, e) => sum + n * query[e]!, 0) / Math.sqrt(size),
      )
      const top = Math.max(...scores)
      const shares = scores.map((s) => Math.exp(s - top))
      const total = shares.reduce((a, b) => a + b, 0)
      for (const [j, value] of v.entries())
        for (let e = 0; e < size; e++)
          mixed[i]![head * size + e]! += (shares[j]! / total) * value[shared * size + e]!
    }
  }
  const gated = mixed.map((row, i) => row.map((n, f) => n * sigmoid(gate[i]![f]!)))
  return linear(gated, w, `${name}.wo`)
}

function swiglu(x: Rows, w: Tensors, name: string): Rows {
  const up = linear(x, w, `${name}.up`)
  const hidden = linear(x, w, `${name}.gate`).map((row, i) => row.map((n, f) => silu(n) * up[i]![f]!))
  return linear(hidden, w, `${name}.down`)
}

const sum = (a: Rows, b: Rows, factor?: readonly number[]): Rows =>
  a.map((row, i) => row.map((n, f) => n + (factor?.[f] ?? 1) * b[i]![f]!))

function fusionBlock(x: Rows, w: Tensors, name: string, options: Attention): Rows {
  const normed = (y: Rows, which: string): Rows => y.map((row) => norm(row, w.get(`${name}.${which}.scale`)!))
  const y = sum(x, attention(normed(x, "prenorm"), w, `${name}.attn`, options))
  return sum(y, swiglu(normed(y, "postnorm"), w, `${name}.mlp`))
}

/** Taps of every token [T][n][D] -> text tokens [T][F]. */
function fuse(taps: Rows[], valid: ArrayLike<number>, w: Tensors, c: ReferenceConfig): Rows {
  const options = { heads: c.textHeads, kvHeads: c.textKvHeads, theta: c.theta }
  const projector = w.get("txtfusion.projector.weight")!
  let x = taps.map((token) => {
    let layers = token
    for (const i of [0, 1]) layers = fusionBlock(layers, w, `txtfusion.layerwise_blocks.${i}`, options)
    return layers[0]!.map((_, d) => layers.reduce((total, layer, n) => total + layer[d]! * projector[n]!, 0))
  })
  for (const i of [0, 1]) x = fusionBlock(x, w, `txtfusion.refiner_blocks.${i}`, { ...options, valid })
  const normed = x.map((row) => norm(row, w.get("txtmlp.0.scale")!))
  const hidden = linear(normed, w, "txtmlp.1").map((row) => row.map(gelu))
  return linear(hidden, w, "txtmlp.3")
}

/** The velocity of one picture's tokens [N][P] at time t, on a grid of that many columns. */
export function referenceVelocity(
  image: Rows,
  taps: Rows[],
  valid: ArrayLike<number>,
  t: number,
  columns: number,
  w: Tensors,
  c: ReferenceConfig,
): Rows {
  const half = c.timeDim / 2
  const angles = Array.from({ length: half }, (_, j) => 1000 * t * Math.exp((-Math.log(10000) * j) / half))
  const sinusoid = [...angles.map(Math.cos), ...angles.map(Math.sin)]
  const conditioning = linear([linear([sinusoid], w, "tmlp.0")[0]!.map(gelu)], w, "tmlp.2")[0]!
  const modulation = linear([conditioning.map(gelu)], w, "tproj.1")[0]!
  const text = fuse(taps, valid, w, c)
  const positions = [
    ...text.map(() => [0, 0, 0]),
    ...image.map((_, i) => [0, Math.floor(i / columns), i % columns]),
  ]
  const all = positions.map((_, i) => (i < text.length ? valid[i]! : 1))
  const options = { heads: c.heads, kvHeads: c.kvHeads, theta: c.theta, positions, valid: all }

  let x = [...text, ...linear(image, w, "first")]
  for (let i = 0; i < c.layers; i++) {
    const own = w.get(`blocks.${i}.mod.lin`)!
    const part = (n: number): number[] =>
      modulation.slice(n * c.features, (n + 1) * c.features).map((m, f) => m + own[n * c.features + f]!)
    const modulated = (y: Rows, which: string, scale: number[], shift: number[]): Rows =>
      y.map((row) =>
        norm(row, w.get(`blocks.${i}.${which}.scale`)!).map((n, f) => (1 + scale[f]!) * n + shift[f]!),
      )
    const before = modulated(x, "prenorm", part(0), part(1))
    x = sum(x, attention(before, w, `blocks.${i}.attn`, options), part(2))
    const after = modulated(x, "postnorm", part(3), part(4))
    x = sum(x, swiglu(after, w, `blocks.${i}.mlp`), part(5))
  }
  const table = w.get("last.modulation.lin")!
  const last = x
    .slice(text.length)
    .map((row) =>
      norm(row, w.get("last.norm.scale")!).map(
        (n, f) => (1 + conditioning[f]! + table[f]!) * n + conditioning[f]! + table[c.features + f]!,
      ),
    )
  return linear(last, w, "last.linear")
}
