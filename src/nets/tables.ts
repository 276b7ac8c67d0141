// Numbers that networks are fed: time sinusoids, rotary tables, patches. Plain arrays, computed once per request.

/** temb [n,dim]: cosines first, then sines, of 1000 t exp(-ln(10000) j / (dim/2)) (architecture.md 2.2). */
export function timeEmbedding(times: readonly number[], dim: number): Float32Array {
  const half = dim / 2
  const out = new Float32Array(times.length * dim)
  times.forEach((t, i) => {
    for (let j = 0; j < half; j++) {
      // The reference multiplies in float32; rounding alike keeps the difference below 1e-6.
      const frequency = Math.fround(Math.exp((-Math.log(10000) * j) / half))
      const angle = Math.fround(Math.fround(Math.fround(t) * 1000) * frequency)
      out[i * dim + j] = Math.cos(angle)
      out[i * dim + half + j] = Math.sin(angle)
    }
  })
  return out
}

export interface RopeTable {
  /** [length, headDim/2] */
  cosine: Float32Array
  sine: Float32Array
  length: number
}

/** Sizes of the three rotary axes (time, row, column) for a head: (e-12u, 6u, 6u), u = floor(e/16). */
export function ropeAxes(headDim: number): [number, number, number] {
  const u = Math.floor(headDim / 16)
  return [headDim - 12 * u, 6 * u, 6 * u]
}

/** Rotary table of positions (axis0, row, column), theta 1000, adjacent pairs (architecture.md 2.4). */
export function positionRope(
  positions: readonly (readonly [number, number, number])[],
  headDim: number,
  theta = 1000,
): RopeTable {
  const axes = ropeAxes(headDim)
  const half = headDim / 2
  const cosine = new Float32Array(positions.length * half)
  const sine = new Float32Array(positions.length * half)
  positions.forEach((position, i) => {
    let at = i * half
    axes.forEach((size, axis) => {
      for (let k = 0; k < size / 2; k++, at++) {
        const angle = Math.fround(position[axis]! * Math.fround(theta ** ((-2 * k) / size)))
        cosine[at] = Math.cos(angle)
        sine[at] = Math.sin(angle)
      }
    })
  })
  return { cosine, sine, length: positions.length }
}

/** The joint sequence: `text` tokens at (0,0,0), then a rows x columns grid of image tokens. */
export function imagePositions(text: number, rows: number, columns: number): [number, number, number][] {
  const positions: [number, number, number][] = Array.from({ length: text }, () => [0, 0, 0])
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) positions.push([0, row, column])
  return positions
}

/** The rotary table of the joint sequence. */
export const imageRope = (
  text: number,
  rows: number,
  columns: number,
  headDim: number,
  theta?: number,
): RopeTable => positionRope(imagePositions(text, rows, columns), headDim, theta)

/** Plain rotary table of consecutive positions, half-split pairs (architecture.md 4.4). */
export function textRope(length: number, headDim: number, theta: number): RopeTable {
  const half = headDim / 2
  const cosine = new Float32Array(length * half)
  const sine = new Float32Array(length * half)
  for (let p = 0; p < length; p++)
    for (let k = 0; k < half; k++) {
      const angle = Math.fround(p * Math.fround(theta ** ((-2 * k) / headDim)))
      cosine[p * half + k] = Math.cos(angle)
      sine[p * half + k] = Math.sin(angle)
    }
  return { cosine, sine, length }
}

/** Latent [C,H,W] -> tokens [H/p*W/p, p*p*C], features ordered (channel, dy, dx). */
export function patchify(
  latent: Float32Array,
  channels: number,
  height: number,
  width: number,
  patch = 2,
): Float32Array {
  return rearrange(latent, [channels, height, width], patch, (out, token, from) => {
    out[token] = latent[from]!
  })
}

/** The inverse of patchify. */
export function unpatchify(
  tokens: Float32Array,
  channels: number,
  height: number,
  width: number,
  patch = 2,
): Float32Array {
  return rearrange(tokens, [channels, height, width], patch, (out, token, to) => {
    out[to] = tokens[token]!
  })
}

function rearrange(
  source: Float32Array,
  [channels, height, width]: readonly [number, number, number],
  patch: number,
  move: (out: Float32Array, token: number, pixel: number) => void,
): Float32Array {
  const out = new Float32Array(source.length)
  const columns = width / patch
  const area = patch * patch
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const token = Math.floor(y / patch) * columns + Math.floor(x / patch)
        const inside = (y % patch) * patch + (x % patch)
        move(out, (token * channels + c) * area + inside, (c * height + y) * width + x)
      }
  return out
}
