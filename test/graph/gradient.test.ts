// Every operator's derivative against finite differences, through real ONNX Runtime sessions.
import assert from "node:assert/strict"
import { test } from "node:test"
import * as g from "../../src/graph/index.ts"
import type { Operator } from "../../src/graph/tensor.ts"
import { type Feed, floats, ids, noise, run } from "../support/run.ts"

type Build = (...x: g.Tensor[]) => g.Tensor
interface Options {
  /** Values are drawn about it, by half: for functions that are smooth on one side of 0 only. */
  shift?: number
  /** Inputs without a derivative, after the others. */
  extra?: Record<string, [g.Tensor, Feed]>
}

/** Checks d(sum(f(x) * weights)) / dx for every float input against central differences. */
async function check(
  build: Build,
  shapes: readonly (readonly number[])[],
  options: Options = {},
): Promise<void> {
  const values = shapes.map((s, i) => {
    const x = noise(
      s.reduce((a, b) => a * b, 1),
      i + 7,
    )
    return options.shift === undefined ? x : x.map((v) => v * 0.5 + options.shift!)
  })
  const inputs = shapes.map((s, i) => g.input(`x${i}`, s))
  const extras = Object.entries(options.extra ?? {})
  const y = build(...inputs, ...extras.map(([, [t]]) => t))
  const size = (y.shape as number[]).reduce((a, b) => a * b, 1)
  const direction = g.constant(noise(size, 99), y.shape)
  const axes = y.shape.map((_, i) => i)
  const loss = g.sum(g.mul(y, direction), axes)
  const derivatives = g.gradient(loss, inputs)
  const feeds = (): Record<string, Feed> => ({
    ...Object.fromEntries(values.map((v, i) => [`x${i}`, floats(v, shapes[i]!)])),
    ...Object.fromEntries(extras.map(([name, [, f]]) => [name, f])),
  })
  const exact = await run(Object.fromEntries(derivatives.map((d, i) => [`d${i}`, d])), feeds(), {
    attention: "parts",
  })
  const step = 1e-2
  for (const [i, v] of values.entries()) {
    const got = exact[`d${i}`]!
    assert.deepEqual([...got.shape], [...shapes[i]!])
    for (let j = 0; j < v.length; j += Math.max(1, Math.floor(v.length / 5))) {
      const kept = v[j]!
      const at = async (x: number): Promise<number> => {
        v[j] = x
        return (await run({ loss }, feeds(), { attention: "parts" })).loss!.data[0]!
      }
      const slope = ((await at(kept + step)) - (await at(kept - step))) / (2 * step)
      v[j] = kept
      const error = Math.abs(got.data[j]! - slope)
      assert.ok(
        error < 1e-3 * Math.max(1, Math.abs(slope)),
        `input ${i}, element ${j}: ${got.data[j]} against ${slope}`,
      )
    }
  }
}

/** Tables of a rotation by a chance angle for each of three places and two pairs. */
const angles = noise(6, 5)
const [cosine, sine] = [Math.cos, Math.sin].map((f) => g.constant(angles.map(f), [3, 2])) as [
  g.Tensor,
  g.Tensor,
]
const asked = (rows: number[], shape: number[]): Options => ({
  extra: { rows: [g.input("rows", shape, "int64"), ids(rows, shape)] },
})

const table: [string, Build, number[][], Options?][] = [
  ["add broadcasts", (a, b) => g.add(a, b), [[2, 3], [3]]],
  ["sub broadcasts", (a, b) => g.sub(a, b), [[3], [2, 3]]],
  [
    "mul broadcasts",
    (a, b) => g.mul(a, b),
    [
      [2, 1, 3],
      [4, 1],
    ],
  ],
  [
    "div broadcasts",
    (a, b) => g.div(a, b),
    [
      [2, 3],
      [2, 1],
    ],
    { shift: 2 },
  ],
  [
    "max picks a side",
    (a, b) => g.maximum(a, g.neg(b)),
    [
      [2, 3],
      [2, 3],
    ],
  ],
  ["max broadcasts", (a, b) => g.maximum(a, g.neg(b)), [[2, 3], [3]]],
  ["neg", (a) => g.neg(a), [[5]]],
  ["exp", (a) => g.exp(a), [[5]]],
  ["log", (a) => g.log(a), [[5]], { shift: 2 }],
  ["sqrt", (a) => g.sqrt(a), [[5]], { shift: 2 }],
  ["abs", (a) => g.abs(a), [[5]], { shift: 2 }],
  ["abs below zero", (a) => g.abs(a), [[5]], { shift: -2 }],
  ["tanh", (a) => g.tanh(a), [[5]]],
  ["sigmoid", (a) => g.sigmoid(a), [[5]]],
  ["silu", (a) => g.silu(a), [[5]]],
  ["gelu", (a) => g.gelu(a), [[7]]],
  [
    "matmul",
    (a, b) => g.matmul(a, b),
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
  ],
  [
    "matmul with a shared weight",
    (a, b) => g.matmul(a, b),
    [
      [2, 3, 4],
      [4, 5],
    ],
  ],
  [
    "matmul with a transposed weight",
    (a, b) => g.linear(a, b),
    [
      [2, 3, 4],
      [5, 4],
    ],
  ],
  [
    "matmul with a transposed left side",
    (a, b) => g.matmul(a, b, { a: true }),
    [
      [2, 4, 3],
      [2, 4, 5],
    ],
  ],
  [
    "matmul with both transposed",
    (a, b) => g.matmul(a, b, { a: true, b: true }),
    [
      [4, 3],
      [5, 4],
    ],
  ],
  [
    "matmul whose leading axes broadcast",
    (a, b) => g.matmul(a, b),
    [
      [2, 1, 3, 4],
      [2, 4, 2],
    ],
  ],
  [
    "matmul with a shared weight and a transposed left side",
    (a, b) => g.matmul(a, b, { a: true }),
    [
      [2, 4, 3],
      [4, 5],
    ],
  ],
  ["reshape", (a) => g.reshape(a, [3, -1]), [[2, 6]]],
  ["transpose", (a) => g.transpose(a, [2, 0, 1]), [[2, 3, 4]]],
  ["slice", (a) => g.slice(a, 1, 1, 3), [[2, 4]]],
  [
    "concat",
    (a, b) => g.concat([a, b], 1),
    [
      [2, 1],
      [2, 3],
    ],
  ],
  [
    "concat of three along the first axis",
    (a, b, c) => g.concat([a, b, c], 0),
    [
      [1, 2],
      [2, 2],
      [1, 2],
    ],
  ],
  ["split", (a) => g.mul(...(g.split(a, 2) as [g.Tensor, g.Tensor])), [[2, 4]]],
  ["expand", (a) => g.expand(a, [2, 3, 4]), [[3, 1]]],
  ["pad", (a) => g.pad(a, [0, 1], [2, 1]), [[2, 3]]],
  ["sum", (a) => g.sum(a, [0, 2]), [[2, 3, 4]]],
  ["sum that keeps its axis", (a) => g.mul(a, g.sum(a, [-1], true)), [[2, 3]]],
  ["mean", (a) => g.mean(a, [-1], true), [[2, 3]]],
  ["softmax", (a) => g.softmax(a), [[2, 5]]],
  ["rmsNorm", (a, s) => g.rmsNorm(a, s, 1e-5), [[2, 3, 6], [6]]],
  [
    "attention",
    (q, k, v) => g.attention(q, k, v),
    [
      [2, 4, 3, 6],
      [2, 2, 5, 6],
      [2, 2, 5, 6],
    ],
  ],
  [
    "attention with a bias",
    (q, k, v, b) => g.attention(q, k, v, b),
    [
      [1, 2, 3, 4],
      [1, 1, 3, 4],
      [1, 1, 3, 4],
      [1, 1, 3, 3],
    ],
  ],
  [
    "attention with a bias per key, of both pictures",
    (q, k, v, b) => g.attention(q, k, v, b),
    [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
      [2, 2, 5, 4],
      [2, 1, 1, 5],
    ],
  ],
  ["rope over adjacent pairs", (x) => g.rope(x, cosine, sine, true), [[2, 2, 3, 4]]],
  ["rope over halves", (x) => g.rope(x, cosine, sine, false), [[2, 2, 3, 4]]],
  ["gather that reads a row twice", (t, rows) => g.gather(t, rows!), [[4, 3]], asked([1, 3, 1, 0], [2, 2])],
  [
    "scatterAdd that writes a row twice",
    (u, rows) => g.scatterAdd(u, rows!, 4),
    [[3, 2]],
    asked([1, 3, 1], [3]),
  ],
  ["a choice by comparison", (a) => g.mul(a, g.cast(g.greater(a, 0), "float32")), [[6]]],
  ["conv", (x, w, b) => g.conv(x, w, b, { padding: [1, 1, 1, 1] }), [[2, 2, 5, 4], [3, 2, 3, 3], [3]]],
  [
    "strided conv",
    (x, w) => g.conv(x, w, undefined, { stride: 2, padding: [0, 0, 1, 1] }),
    [
      [1, 2, 6, 4],
      [3, 2, 3, 3],
    ],
  ],
  [
    "1x1 conv",
    (x, w) => g.conv(x, w, undefined),
    [
      [2, 3, 2, 2],
      [4, 3, 1, 1],
    ],
  ],
  [
    "strided conv that leaves a border unread",
    (x, w) => g.conv(x, w, undefined, { stride: 2 }),
    [
      [1, 2, 6, 8],
      [2, 2, 3, 3],
    ],
  ],
  [
    "1x1 conv with padding",
    (x, w) => g.conv(x, w, undefined, { padding: [1, 1, 1, 1] }),
    [
      [1, 2, 2, 3],
      [2, 2, 1, 1],
    ],
  ],
  [
    "convTranspose",
    (y, w) => g.convTranspose(y, w, [1, 2, 6, 4], { stride: 2, padding: [0, 0, 1, 1] }),
    [
      [1, 3, 3, 2],
      [3, 2, 3, 3],
    ],
  ],
  ["upsampling", (x) => g.upsampleNearest(x), [[1, 2, 2, 3]]],
]

for (const [name, build, shapes, options] of table)
  test(`the derivative of ${name} agrees with finite differences`, () => check(build, shapes, options))

/** What each operator is to a derivative: compared above, the end of a path, or flat (steps, with none to pass on). */
const OPERATORS: Record<Operator, "compared" | "end" | "flat"> = {
  input: "end",
  parameter: "end",
  constant: "end",
  add: "compared",
  sub: "compared",
  mul: "compared",
  div: "compared",
  max: "compared",
  neg: "compared",
  exp: "compared",
  log: "compared",
  sqrt: "compared",
  abs: "compared",
  tanh: "compared",
  sigmoid: "compared",
  silu: "compared",
  gelu: "compared",
  matmul: "compared",
  reshape: "compared",
  transpose: "compared",
  slice: "compared",
  concat: "compared",
  expand: "compared",
  pad: "compared",
  sum: "compared",
  softmax: "compared",
  rmsNorm: "compared",
  rope: "compared",
  attention: "compared",
  gather: "compared",
  scatterAdd: "compared",
  cast: "flat",
  greater: "flat",
  conv: "compared",
  convTranspose: "compared",
}

test("no operator's derivative is left out above", () => {
  const compared = new Set(
    table.flatMap(([, build, shapes, options]) => {
      const extras = Object.values(options?.extra ?? {}).map(([t]) => t)
      return g.topological([build(...shapes.map((s, i) => g.input(`x${i}`, s)), ...extras)]).map((n) => n.op)
    }),
  )
  const wanted = (Object.keys(OPERATORS) as Operator[]).filter((op) => OPERATORS[op] === "compared")
  assert.deepEqual(
    wanted.filter((op) => !compared.has(op)),
    [],
  )
})

test("a variable that only a comparison sees has no derivative, and asking for one is an error", () => {
  const a = g.input("a", [2])
  const step = g.cast(g.greater(a, 0), "float32")
  assert.throws(() => g.gradient(g.sum(step, [0]), [a]), /does not depend on a/)
})

test("a variable that the loss does not depend on is an error", () => {
  const a = g.input("a", [2])
  const b = g.input("b", [2])
  assert.throws(() => g.gradient(g.sum(a, [0]), [b]), /does not depend on b/)
})
