// Checks the autoencoder: both ways, with the inner states of each.
import { splitComponents } from "../../checkpoint/components.ts"
import { vaeConfig } from "../../checkpoint/config.ts"
import { decodeGraph, encodeGraph, type Notes } from "../../runtime/graphs.ts"
import { Vae } from "../../runtime/networks.ts"
import type { Runner } from "../../runtime/runner.ts"
import { floats, type Value } from "../../runtime/session.ts"
import { weightFiles } from "../../runtime/weights.ts"
import { type Check, type Golden, type Reference, weightsOf } from "./golden.ts"
import { runNotes } from "./notes.ts"

/** [B,C,1,H,W] -> [B,C,H,W] */
const frame = ({ shape, data }: Reference): Value =>
  floats(data, shape.length === 5 ? shape.toSpliced(2, 1) : shape)

const numbersIn = (value: unknown): number[] | undefined =>
  Array.isArray(value) ? value.map(Number) : undefined

export async function checkVae(golden: Golden, runner: Runner): Promise<Check[]> {
  const checkpoint = splitComponents(weightsOf(golden.checkpoint)).vae
  if (!checkpoint) throw new Error(`${golden.path} holds no VAE.`)
  const { latents_mean, latents_std } = golden.description.config
  const config = vaeConfig(checkpoint, {
    latentMean: numbersIn(latents_mean),
    latentDeviation: numbersIn(latents_std),
  })
  const vae = new Vae(runner, config, checkpoint)
  const weights = weightFiles(checkpoint)
  const checks: Check[] = []
  const check = async (name: string, value: Value, clamped = false): Promise<void> => {
    const data = value.data as Float32Array
    checks.push(await golden.check(name, clamped ? data.map((x) => Math.min(1, Math.max(-1, x))) : data))
  }

  if (golden.has("input.image")) {
    const picture = frame(await golden.read("input.image"))
    if (golden.has("enc.normalized")) await check("enc.normalized", await vae.encode(picture))
    const notes: Notes = new Map()
    encodeGraph(config, [picture.shape[2]!, picture.shape[3]!], vae.layout, notes)
    const found = await runNotes(runner, notes, weights, { picture })
    const aliases: Record<string, string> = { mid_attn: "mid_block.attentions.0" }
    for (const name of golden.below("enc.").filter((n) => n !== "normalized")) {
      const value = name === "mode" ? meanOf(found.moments!) : found[aliases[name] ?? name]
      if (!value) throw new Error(`The engine names no encoder state ${name}.`)
      await check(`enc.${name}`, value)
    }
  }
  if (golden.has("dec.latent_normalized")) {
    const latent = frame(await golden.read("dec.latent_normalized"))
    if (golden.has("dec.image")) await check("dec.image", await vae.decode(latent), true)
    const notes: Notes = new Map()
    decodeGraph(config, vae.layout, notes)
    const found = await runNotes(runner, notes, weights, { latent })
    for (const name of golden.below("dec.").filter((n) => n !== "latent_normalized" && n !== "image")) {
      const value = found[name]
      if (!value) throw new Error(`The engine names no decoder state ${name}.`)
      await check(`dec.${name}`, value)
    }
  }
  if (golden.has("roundtrip.image") && golden.has("input.image")) {
    const latent = await vae.encode(frame(await golden.read("input.image")))
    await check("roundtrip.image", await vae.decode(latent), true)
  }
  await vae.close()
  return checks
}

/** The first half of the channels: the mean. */
function meanOf({ data, shape }: Value): Value {
  const [batch, channels, height, width] = shape as [number, number, number, number]
  const each = (channels / 2) * height * width
  const out = new Float32Array(batch * each)
  for (let b = 0; b < batch; b++)
    out.set((data as Float32Array).subarray(2 * b * each, (2 * b + 1) * each), b * each)
  return floats(out, [batch, channels / 2, height, width])
}
