// Checks single operators at the real model's sizes; which ones a file holds follows from its tensors.
import { compile, gelu, input, rmsNorm, rope, sigmoid, silu, type Tensor } from "../../graph/index.ts"
import { imagePositions, norm, patchify, positionRope, textRope, timeEmbedding } from "../../nets/index.ts"
import { channelNorm } from "../../nets/vae.ts"
import type { Runner } from "../../runtime/runner.ts"
import { floats, type Value } from "../../runtime/session.ts"
import type { Check, Golden, Reference, Tolerance } from "./golden.ts"

const feed = ({ data, shape }: Reference): Value => floats(data, shape)

export async function checkOps(golden: Golden, runner: Runner): Promise<Check[]> {
  const checks: Check[] = []
  const { compare: rule } = golden.description
  const tolerance = (key: string): Tolerance => {
    const atol = rule[key]
    return typeof atol === "number" ? { ...golden.tolerance, atol } : golden.tolerance
  }
  /** Builds an expression over reference tensors, runs it and compares it with another. */
  const check = async (
    name: string,
    inputs: Record<string, Reference>,
    build: (...x: Tensor[]) => Tensor,
    key = "",
  ): Promise<void> => {
    const tensors = Object.entries(inputs).map(([n, r]) => input(n, r.shape))
    const graph = await runner.open({ model: compile({ out: build(...tensors) }).model })
    const feeds = Object.fromEntries(Object.entries(inputs).map(([n, r]) => [n, feed(r)]))
    const { out } = await graph.run(feeds)
    await graph.close()
    checks.push(await golden.check(name, out!.data as Float32Array, { tolerance: tolerance(key) }))
  }
  const read = (name: string): Promise<Reference> => golden.read(name)

  if (golden.has("dit_rmsnorm.y"))
    await check(
      "dit_rmsnorm.y",
      { x: await read("dit_rmsnorm.x"), s: await read("dit_rmsnorm.scale") },
      (x, s) => norm(x!, s!),
    )
  if (golden.has("qwen_rmsnorm.y"))
    await check(
      "qwen_rmsnorm.y",
      { x: await read("dit_rmsnorm.x"), s: await read("qwen_rmsnorm.weight") },
      (x, s) => rmsNorm(x!, s!, 1e-6),
    )
  if (golden.has("vae_rmsnorm.y")) {
    const x = await read("vae_rmsnorm.x")
    const flat = { data: x.data, shape: x.shape.length === 5 ? x.shape.toSpliced(2, 1) : x.shape }
    await check("vae_rmsnorm.y", { x: flat, g: await read("vae_rmsnorm.gamma") }, (t, g) =>
      channelNorm(t!, g!),
    )
  }
  for (const [name, op] of [
    ["gelu_tanh", gelu],
    ["silu", silu],
    ["sigmoid", sigmoid],
  ] as const)
    if (golden.has(`act.${name}`)) await check(`act.${name}`, { x: await read("act.x") }, (x) => op(x!))

  for (const dim of golden.below("temb.").filter((n) => n !== "t")) {
    const times = await golden.list("temb.t")
    const actual = timeEmbedding(times, Number(dim))
    checks.push(await golden.check(`temb.${dim}`, actual, { tolerance: tolerance("temb_atol") }))
  }
  if (golden.has("rope.pos")) await checkRope(golden, check, checks, tolerance("rope_atol"))
  if (golden.has("qwen_rope.pos")) {
    const positions = await golden.list("qwen_rope.pos")
    const width = (await read("qwen_rope.cos")).shape.at(-1)!
    const table = textRope(Math.max(...positions) + 1, width, 5e6)
    for (const [name, part] of [
      ["cos", table.cosine],
      ["sin", table.sine],
    ] as const) {
      const rows = positions.flatMap((p) => {
        const half = [...part.subarray((p * width) / 2, ((p + 1) * width) / 2)]
        return [...half, ...half]
      })
      checks.push(await golden.check(`qwen_rope.${name}`, rows, { tolerance: tolerance("qwen_rope_atol") }))
    }
  }
  if (golden.has("patchify.latent")) checks.push(...(await checkPatchify(golden)))
  return checks
}

async function checkRope(
  golden: Golden,
  check: (
    name: string,
    inputs: Record<string, Reference>,
    build: (...x: Tensor[]) => Tensor,
    key: string,
  ) => Promise<void>,
  checks: Check[],
  tolerance: Tolerance,
): Promise<void> {
  const flat = await golden.list("rope.pos")
  const positions = Array.from(
    { length: flat.length / 3 },
    (_, i) => flat.slice(3 * i, 3 * i + 3) as [number, number, number],
  )
  const half = (await golden.read("rope.cos")).shape.at(-1)!
  const table = positionRope(positions, 2 * half)
  checks.push(await golden.check("rope.cos", table.cosine, { tolerance }))
  checks.push(await golden.check("rope.sin", table.sine, { tolerance }))
  const shape = [positions.length, half]
  const tables = { cosine: { data: table.cosine, shape }, sine: { data: table.sine, shape } }
  for (const part of ["q", "k"])
    if (golden.has(`rope.${part}_out`))
      await check(
        `rope.${part}_out`,
        { x: await golden.read(`rope.${part}`), ...tables },
        (x, cosine, sine) => rope(x!, cosine!, sine!, true),
        "rope_atol",
      )
}

/** Tokens of latents, and where each stands behind its text: the side of a patch follows from the tokens' width. */
async function checkPatchify(golden: Golden): Promise<Check[]> {
  const { data, shape } = await golden.read("patchify.latent")
  const [batch, channels, height, width] = shape as [number, number, number, number]
  const patch = Math.sqrt((await golden.read("patchify.tokens")).shape.at(-1)! / channels)
  const each = data.length / batch
  const tokens = Array.from({ length: batch }, (_, b) => [
    ...patchify(data.slice(b * each, (b + 1) * each), channels, height, width, patch),
  ])
  const checks = [await golden.check("patchify.tokens", tokens.flat())]
  if (!golden.has("patchify.pos")) return checks
  const [rows, columns] = [height / patch, width / patch]
  const text = (await golden.read("patchify.pos")).shape[1]! - rows * columns
  const positions = imagePositions(text, rows, columns).flat()
  checks.push(await golden.check("patchify.pos", Array<number[]>(batch).fill(positions).flat()))
  return checks
}
