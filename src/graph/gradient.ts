// Reverse-mode differentiation: expressions in, expressions out.
import { attentionParts } from "./attention.ts"
import { type Dim, type Shape, sameShape } from "./dim.ts"
import * as o from "./ops.ts"
import type { Operator, Tensor } from "./tensor.ts"

/** Given a node and the derivative of the loss by it, the derivatives by its inputs (undefined: none). */
type Rule = (node: Tensor, dy: Tensor) => (Tensor | undefined)[]

/** Sums a derivative over the axes that broadcasting repeated. */
function unbroadcast(dy: Tensor, shape: Shape): Tensor {
  if (sameShape(dy.shape, shape)) return dy
  const lead = dy.shape.length - shape.length
  const axes = dy.shape
    .map((_, i) => i)
    .filter((i) => i < lead || (shape[i - lead] === 1 && dy.shape[i] !== 1))
  return o.reshape(o.sum(dy, axes, true), shape)
}

const product = (a: Tensor, b: Tensor): Tensor => o.mul(a, b)

function matmulRule(node: Tensor, dy: Tensor): Tensor[] {
  const [a, b] = node.inputs as [Tensor, Tensor]
  const { a: ta, b: tb } = node.attributes as { a: boolean; b: boolean }
  // A weight under leading axes: flattening makes its derivative one product instead of a batch to be summed.
  if (b.shape.length === 2 && a.shape.length > 2 && !ta) {
    const rows = o.reshape(a, [-1, a.shape.at(-1)!])
    const flat = o.reshape(dy, [-1, dy.shape.at(-1)!])
    const db = tb ? o.matmul(flat, rows, { a: true }) : o.matmul(rows, flat, { a: true })
    return [o.reshape(o.matmul(flat, b, { b: !tb }), a.shape), db]
  }
  const da = ta ? o.matmul(b, dy, { a: tb, b: true }) : o.matmul(dy, b, { b: !tb })
  const db = tb ? o.matmul(dy, a, { a: true, b: ta }) : o.matmul(a, dy, { a: !ta })
  return [unbroadcast(da, a.shape), unbroadcast(db, b.shape)]
}

/** x [B,C,H,W], dy [B,O,H',W'] -> dW [O,C,kh,kw]: patches of x by tap, times dy, one product per picture. */
function convWeight(
  x: Tensor,
  dy: Tensor,
  weight: Tensor,
  stride: number,
  padding: readonly number[],
): Tensor {
  const [out, channels, kh, kw] = weight.shape as number[] as [number, number, number, number]
  const [batch, , height, width] = dy.shape as number[] as [number, number, number, number]
  const [top, left] = padding as [number, number]
  const [, , inHeight, inWidth] = x.shape as number[] as [number, number, number, number]
  const [rows, columns] = [height + Math.ceil(kh / stride), width + Math.ceil(kw / stride)]
  const padded = o.pad(
    x,
    [0, 0, top, left],
    [0, 0, rows * stride - top - inHeight, columns * stride - left - inWidth],
  )
  // With a stride, every tap reads one phase of the grid; [B,C,rows,stride,columns,stride] makes that a slice.
  const phases = o.reshape(padded, [batch, channels, rows, stride, columns, stride])
  const window = (t: Tensor, axis: number, tap: number, size: number): Tensor => {
    const phase = o.slice(t, axis + 1, tap % stride, (tap % stride) + 1)
    return o.slice(phase, axis, Math.floor(tap / stride), Math.floor(tap / stride) + size)
  }
  const taps: Tensor[] = []
  for (let y = 0; y < kh; y++) {
    const line = window(phases, 2, y, height)
    for (let z = 0; z < kw; z++)
      taps.push(o.reshape(window(line, 4, z, width), [batch, channels, height * width]))
  }
  const patches = o.concat(taps, 1) // [B, kh*kw*C, H'W']
  const flat = o.reshape(dy, [batch, out, height * width])
  const perPicture = o.matmul(flat, patches, { b: true }) // [B,O,kh*kw*C]
  return o.transpose(o.reshape(o.sum(perPicture, [0]), [out, kh, kw, channels]), [0, 3, 1, 2])
}

/** The kernel turned by half a turn with its channel axes swapped: [O,C,kh,kw] -> [C,O,kh,kw]. */
function turned(weight: Tensor): Tensor {
  const reverse = (t: Tensor, axis: number): Tensor => {
    const size = t.shape[axis] as number
    if (size === 1) return t
    return o.concat(
      Array.from({ length: size }, (_, i) => o.slice(t, axis, size - 1 - i, size - i)),
      axis,
    )
  }
  return o.transpose(reverse(reverse(weight, 2), 3), [1, 0, 2, 3])
}

function convRule(node: Tensor, dy: Tensor): Tensor[] {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor?]
  const { stride, padding } = node.attributes as { stride: number; padding: o.Padding }
  const [, , kh, kw] = weight.shape as [number, number, number, number]
  const [top, left, bottom, right] = padding
  // At stride 1 the input's derivative is a convolution too, which runs twice as fast as a transposed one.
  const around: o.Padding = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right]
  const dx =
    stride === 1 && around.every((n) => n >= 0)
      ? o.conv(dy, turned(weight), undefined, { padding: around })
      : o.convTranspose(dy, weight, x.shape, { stride, padding })
  const dw = convWeight(x, dy, weight, stride, padding)
  return bias ? [dx, dw, o.sum(dy, [0, 2, 3])] : [dx, dw]
}

function attentionRule(node: Tensor, dy: Tensor): (Tensor | undefined)[] {
  const [q, k, v, bias] = node.inputs as [Tensor, Tensor, Tensor, Tensor?]
  const { query, probabilities: p } = attentionParts(q, k, v, bias)
  const [batch, heads, length, size] = q.shape as [Dim, number, Dim, number]
  const perHead = o.transpose(o.reshape(dy, [batch, length, heads, size]), [0, 2, 1, 3])
  const dOut = o.reshape(perHead, query.shape)
  const dv = o.matmul(p, dOut, { a: true })
  const dp = o.matmul(dOut, v, { b: true })
  const weighted = o.mul(dp, p)
  const ds = o.sub(weighted, o.mul(p, o.sum(weighted, [-1], true)))
  const scaled = o.mul(ds, 1 / Math.sqrt(size))
  const dq = o.reshape(o.matmul(scaled, k), q.shape)
  const dk = o.matmul(scaled, query, { a: true })
  return [
    dq,
    dk,
    dv,
    bias ? unbroadcast(o.reshape(ds, [batch, heads, length, k.shape[2]!]), bias.shape) : undefined,
  ]
}

const rules: Record<Operator, Rule> = {
  input: () => [],
  parameter: () => [],
  constant: () => [],
  add: (n, dy) => n.inputs.map((x) => unbroadcast(dy, x.shape)),
  sub: (n, dy) => [unbroadcast(dy, n.inputs[0]!.shape), o.neg(unbroadcast(dy, n.inputs[1]!.shape))],
  mul: (n, dy) => {
    const [a, b] = n.inputs as [Tensor, Tensor]
    return [unbroadcast(product(dy, b), a.shape), unbroadcast(product(dy, a), b.shape)]
  },
  div: (n, dy) => {
    const [a, b] = n.inputs as [Tensor, Tensor]
    const da = o.div(dy, b)
    return [unbroadcast(da, a.shape), o.neg(unbroadcast(o.mul(da, n), b.shape))]
  },
  max: (n, dy) => {
    const [a, b] = n.inputs as [Tensor, Tensor]
    const first = o.cast(o.greater(a, b), "float32")
    return [unbroadcast(o.mul(dy, first), a.shape), unbroadcast(o.mul(dy, o.sub(1, first)), b.shape)]
  },
  neg: (_, dy) => [o.neg(dy)],
  exp: (n, dy) => [o.mul(dy, n)],
  log: (n, dy) => [o.div(dy, n.inputs[0]!)],
  sqrt: (n, dy) => [o.div(o.mul(dy, 0.5), n)],
  abs: (n, dy) => [o.mul(dy, o.sub(o.mul(o.cast(o.greater(n.inputs[0]!, 0), "float32"), 2), 1))],
  tanh: (n, dy) => [o.mul(dy, o.sub(1, o.square(n)))],
  sigmoid: (n, dy) => [o.mul(dy, o.mul(n, o.sub(1, n)))],
  silu: (n, dy) => {
    // y' = s + x s (1 - s) = s + y (1 - s), with y the node itself.
    const s = o.sigmoid(n.inputs[0]!)
    return [o.mul(dy, o.add(s, o.mul(n, o.sub(1, s))))]
  },
  gelu: (n, dy) => {
    const x = n.inputs[0]!
    const c = Math.sqrt(2 / Math.PI)
    const x2 = o.square(x)
    const t = o.tanh(o.mul(x, o.add(o.mul(x2, 0.044715 * c), c)))
    const inner = o.mul(o.mul(x, o.sub(1, o.square(t))), o.add(o.mul(x2, 3 * 0.044715 * c), c))
    return [o.mul(dy, o.mul(o.add(o.add(t, 1), inner), 0.5))]
  },
  matmul: matmulRule,
  reshape: (n, dy) => [o.reshape(dy, n.inputs[0]!.shape)],
  transpose: (n, dy) => {
    const order = n.attributes.order as readonly number[]
    const inverse = order.map((_, i) => order.indexOf(i))
    return [o.transpose(dy, inverse)]
  },
  slice: (n, dy) => {
    const { axis, start, end } = n.attributes as { axis: number; start: number; end: number }
    const size = n.inputs[0]!.shape[axis] as number
    const zeros = n.shape.map(() => 0)
    return [o.pad(dy, zeros.with(axis, start), zeros.with(axis, size - end))]
  },
  concat: (n, dy) => {
    const axis = n.attributes.axis as number
    let start = 0
    return n.inputs.map((part) => {
      const size = part.shape[axis] as number
      start += size
      return o.slice(dy, axis, start - size, start)
    })
  },
  expand: (n, dy) => [unbroadcast(dy, n.inputs[0]!.shape)],
  pad: (n, dy) => {
    const before = n.attributes.before as readonly number[]
    const shape = n.inputs[0]!.shape as readonly number[]
    return [before.reduce((t, b, axis) => o.slice(t, axis, b, b + shape[axis]!), dy)]
  },
  sum: (n, dy) => {
    const x = n.inputs[0]!
    const axes = n.attributes.axes as readonly number[]
    const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d))
    return [o.expand(o.reshape(dy, kept), x.shape)]
  },
  softmax: (n, dy) => {
    const weighted = o.mul(dy, n)
    return [o.sub(weighted, o.mul(n, o.sum(weighted, [-1], true)))]
  },
  rmsNorm: (n, dy) => {
    // y = x r s with r = 1 / rms: dx = r (dy s - xr mean(dy s xr)), ds = sum(dy xr).
    const [x, scale] = n.inputs as [Tensor, Tensor]
    const r = o.div(1, o.sqrt(o.add(o.mean(o.square(x), [-1], true), n.attributes.epsilon as number)))
    const xr = o.mul(x, r)
    const g = o.mul(dy, scale)
    const dx = o.mul(r, o.sub(g, o.mul(xr, o.mean(o.mul(g, xr), [-1], true))))
    return [dx, unbroadcast(o.mul(dy, xr), scale.shape)]
  },
  rope: (n, dy) => {
    const [, cosine, sine] = n.inputs as [Tensor, Tensor, Tensor]
    return [o.rope(dy, cosine, o.neg(sine), n.attributes.interleaved as boolean), undefined, undefined]
  },
  attention: attentionRule,
  gather: (n, dy) => {
    const [table, ids] = n.inputs as [Tensor, Tensor]
    const flat = o.reshape(dy, [-1, table.shape[1]!])
    return [o.scatterAdd(flat, o.reshape(ids, [-1]), table.shape[0] as number), undefined]
  },
  scatterAdd: (n, dy) => [o.gather(dy, n.inputs[1]!), undefined],
  cast: () => [undefined],
  greater: () => [undefined, undefined],
  conv: convRule,
  convTranspose: (n, dy) => {
    const [y, weight] = n.inputs as [Tensor, Tensor]
    const { stride, padding } = n.attributes as { stride: number; padding: o.Padding }
    return [o.conv(dy, weight, undefined, { stride, padding }), convWeight(dy, y, weight, stride, padding)]
  },
}

/** Every node that `root` depends on, inputs before users. */
export function topological(roots: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = []
  const seen = new Set<Tensor>()
  // An explicit stack: networks are deep enough to exhaust recursion.
  const stack: { node: Tensor; next: number }[] = []
  for (const root of roots) {
    if (!seen.has(root)) stack.push({ node: root, next: 0 })
    seen.add(root)
    while (stack.length > 0) {
      const top = stack.at(-1)!
      const child = top.node.inputs[top.next++]
      if (child === undefined) order.push(stack.pop()!.node)
      else if (!seen.has(child)) {
        seen.add(child)
        stack.push({ node: child, next: 0 })
      }
    }
  }
  return order
}

/**
 * Derivatives of a scalar `loss` by each of `variables`, in their order. A variable the loss does not depend
 * on is an error, since training it would silently do nothing.
 */
export function gradient(loss: Tensor, variables: readonly Tensor[]): Tensor[] {
  const order = topological([loss])
  const live = new Set<Tensor>(variables)
  for (const n of order) if (n.inputs.some((i) => live.has(i))) live.add(n)
  const derivatives = new Map<Tensor, Tensor>([[loss, o.constant(1)]])
  for (const n of order.toReversed()) {
    const dy = derivatives.get(n)
    if (!dy || !n.inputs.some((i) => live.has(i))) continue
    rules[n.op](n, dy).forEach((dx, i) => {
      const x = n.inputs[i]!
      if (!dx || !live.has(x)) return
      const sum = derivatives.get(x)
      derivatives.set(x, sum ? o.add(sum, dx) : dx)
    })
  }
  return variables.map((v) => {
    const d = derivatives.get(v)
    if (!d) throw new Error(`The loss does not depend on ${v.attributes.name ?? v.where}.`)
    return d
  })
}
