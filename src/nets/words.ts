// The embedded family's text side: word tokens into a small tower of Qwen3-VL's own layers, then taps.
import { add, gather, linear, type Tensor } from "../graph/index.ts"
import type { TextConfig } from "./config.ts"
import type { Rope } from "./dit.ts"
import { stackTaps, textStates } from "./text.ts"
import type { Weights } from "./weights.ts"

/** Width of the pretrained word vectors (GloVe). */
export const WORD_VECTOR = 100

/**
 * Taps [B,T,n,D] of word tokens: ids [B,T] index learned vectors, `vectors` [B,T,100] are pretrained ones; a word
 * without a learned vector still has a meaning through the projection. `bias` [B,1,T,T] is causal and hides
 * padding.
 */
export function wordTaps(
  ids: Tensor,
  vectors: Tensor,
  table: Rope,
  bias: Tensor,
  w: Weights,
  c: TextConfig,
): Tensor {
  const learned = gather(w.get("embed_tokens.weight", [c.vocabulary, c.hidden]), ids) // [B,T,D]
  const projected = linear(vectors, w.get("word_projection.weight", [c.hidden, WORD_VECTOR]))
  const states = textStates(add(learned, projected), table, bias, w, c, Math.max(...c.taps))
  return stackTaps(states, c.taps)
}

/** Causal mask with padding: 0 where query i may read key j (j <= i and j real), -1e9 elsewhere. [B,1,T,T] */
export function causalBias(lengths: readonly number[], width: number): Float32Array {
  const out = new Float32Array(lengths.length * width * width).fill(-1e9)
  lengths.forEach((length, b) => {
    for (let i = 0; i < width; i++)
      for (let j = 0; j <= i; j++) if (j < length || j === 0) out[(b * width + i) * width + j] = 0
  })
  return out
}

/** Key mask [B,1,1,total]: 0 where real, -1e9 at padding; `real` says which keys of a row count. */
export function keyBias(
  rows: number,
  total: number,
  real: (row: number, key: number) => boolean,
): Float32Array {
  const out = new Float32Array(rows * total)
  for (let b = 0; b < rows; b++) for (let k = 0; k < total; k++) if (!real(b, k)) out[b * total + k] = -1e9
  return out
}
