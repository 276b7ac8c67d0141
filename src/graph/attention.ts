// Attention written out in primitive operators: what the derivative uses, and what small sequences run.
import { type Dim, mulDims } from "./dim.ts"
import { add, matmul, mul, reshape, softmax, transpose } from "./ops.ts"
import type { Tensor } from "./tensor.ts"

/** The pieces of grouped attention that its derivative needs again. */
export interface AttentionParts {
  /** [B,KV,G*L,e]: the G query heads of one key head, stacked. */
  query: Tensor
  /** [B,KV,G*L,S] */
  probabilities: Tensor
  /** [B,L,H*e] */
  output: Tensor
}

/**
 * q [B,H,L,e], k, v [B,KV,S,e], bias broadcastable to [B,H,L,S]. Consecutive query heads share a key head, so
 * stacking them along the length makes one product per key head and nothing is repeated.
 */
export function attentionParts(q: Tensor, k: Tensor, v: Tensor, bias?: Tensor): AttentionParts {
  const [batch, heads, length, size] = q.shape as [Dim, number, Dim, number]
  const [, keyHeads, keys] = k.shape as [Dim, number, Dim, number]
  const stacked = mulDims(heads / keyHeads, length)
  const query = reshape(q, [batch, keyHeads, stacked, size])
  let scores = mul(matmul(query, k, { b: true }), 1 / Math.sqrt(size))
  if (bias) {
    const perHead = reshape(scores, [batch, heads, length, keys])
    scores = reshape(add(perHead, bias), [batch, keyHeads, stacked, keys])
  }
  const probabilities = softmax(scores)
  const perHead = reshape(matmul(probabilities, v), [batch, heads, length, size])
  const output = reshape(transpose(perHead, [0, 2, 1, 3]), [batch, length, mulDims(heads, size)])
  return { query, probabilities, output }
}
