// Configurations from shapes, and the one sentence for each way in which a file is not the expected model.
import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import {
  checkDit,
  checkText,
  checkVae,
  type DitConfig,
  ditConfig,
  ditModules,
  ditTensors,
  latentMean,
  openCheckpoint,
  splitComponents,
  type TensorEntry,
  temporalTaps,
  textConfig,
  textTensors,
  vaeConfig,
  vaeTensors,
  vaeTimeTensors,
  writeSafetensors,
} from "../../src/checkpoint/index.ts"
import type { AtelierError } from "../../src/request/errors.ts"
import { golden, randomEntries, refusal, scratch } from "./helpers.ts"
import { kreaDit, tinyDit, tinyText, tinyVae } from "./tiny.ts"

async function withEntries<T>(entries: TensorEntry[], use: (path: string) => Promise<T>): Promise<T> {
  await using folder = await scratch()
  const path = join(folder.path, "model.safetensors")
  await writeSafetensors(path, entries)
  return await use(path)
}

const loadDit = async (path: string) => {
  const { dit } = splitComponents(await openCheckpoint(path))
  const config = ditConfig(dit!)
  checkDit(dit!, config)
  return config
}

test("the real configuration has 430 tensors, 12,820,073,036 parameters and 264 modules", () => {
  const table = ditTensors(kreaDit)
  assert.equal(table.size, 430)
  let parameters = 0
  for (const shape of table.values()) parameters += shape.reduce((a, b) => a * b, 1)
  assert.equal(parameters, 12_820_073_036)
  assert.equal(ditModules(kreaDit).length, 264)
})

test("a DiT's configuration is read from its shapes", async () => {
  for (const config of [
    tinyDit,
    { ...tinyDit, places: true, pools: 2 },
    { ...tinyDit, layers: 1, kvHeads: 1, channels: 16, textLayers: 12, refinerBlocks: 1 },
  ])
    assert.deepEqual(await withEntries(randomEntries(ditTensors(config)), loadDit), config)
})

test("a text tower's configuration is read from its shapes", async () => {
  await withEntries(randomEntries(textTensors(tinyText)), async (path) => {
    const { text } = splitComponents(await openCheckpoint(path))
    assert.deepEqual(textConfig(text!), tinyText)
    checkText(text!, tinyText)
    assert.deepEqual(textConfig(text!, { taps: [1, 3], ropeTheta: 10_000 }), {
      ...tinyText,
      taps: [1, 3],
      ropeTheta: 10_000,
    })
    assert.throws(() => textConfig(text!, { taps: [6] }), {
      message: /has 5 layers, and hidden state 6 is asked for/,
    })
  })
})

test("thirty-six layers give Krea 2's twelve taps", async () => {
  const config = { ...tinyText, layers: 36, hidden: 2, heads: 1, kvHeads: 1, headDim: 2, mlpDim: 2 }
  await withEntries(randomEntries(textTensors(config)), async (path) => {
    const { text } = splitComponents(await openCheckpoint(path))
    assert.deepEqual(textConfig(text!).taps, [2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35])
  })
})

test("a VAE's configuration is read from its shapes, with or without temporal convolutions", async () => {
  const settings = { latentMean: tinyVae.latentMean, latentDeviation: tinyVae.latentDeviation }
  for (const config of [
    tinyVae,
    { ...tinyVae, multipliers: [1, 3, 2], resBlocks: 1 },
    { ...tinyVae, resBlocks: 3 },
  ])
    for (const table of [vaeTensors(config), new Map([...vaeTensors(config), ...vaeTimeTensors(config)])])
      await withEntries(randomEntries(table), async (path) => {
        const { vae } = splitComponents(await openCheckpoint(path))
        assert.deepEqual(vaeConfig(vae!, settings), config)
        checkVae(vae!, config)
      })
})

test("a VAE may store the one tap along time that acts on a still picture, all through or not at all", async () => {
  const settings = { latentMean: tinyVae.latentMean, latentDeviation: tinyVae.latentDeviation }
  await withEntries(randomEntries(vaeTensors(tinyVae, 1)), async (path) => {
    const { vae } = splitComponents(await openCheckpoint(path))
    assert.equal(temporalTaps(vae!), 1)
    assert.deepEqual(vaeConfig(vae!, settings), tinyVae)
    checkVae(vae!, tinyVae)
  })
  const mixed = vaeTensors(tinyVae, 1).set("decoder.conv_out.weight", [3, tinyVae.baseDim, 3, 3, 3])
  await withEntries(randomEntries(mixed), async (path) => {
    const { vae } = splitComponents(await openCheckpoint(path))
    assert.throws(() => checkVae(vae!, tinyVae), {
      code: "model_invalid",
      message: /decoder.conv_out.weight.*is expected/,
    })
  })
})

test("sixteen latent channels have the official constants, other numbers need their own", async () => {
  await withEntries(randomEntries(vaeTensors({ ...tinyVae, latentChannels: 16 })), async (path) => {
    const { vae } = splitComponents(await openCheckpoint(path))
    assert.deepEqual(vaeConfig(vae!).latentMean, latentMean)
  })
  await withEntries(randomEntries(vaeTensors(tinyVae)), async (path) => {
    const { vae } = splitComponents(await openCheckpoint(path))
    assert.throws(() => vaeConfig(vae!), {
      code: "model_invalid",
      message: /has 3 latent channels, and no values of latents_mean are known; put 3 into its config.json/,
    })
    assert.throws(() => vaeConfig(vae!, { latentMean: [1], latentDeviation: [1] }), {
      message: /and 1 values of latents_mean/,
    })
  })
})

test("constants in a VAE file's own metadata are used", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "vae.safetensors")
  await writeSafetensors(path, randomEntries(vaeTensors(tinyVae)), {
    latents_mean: "[1,2,3]",
    latents_std: "[4,5,6]",
  })
  const { vae } = splitComponents(await openCheckpoint(path))
  const { latentMean, latentDeviation } = vaeConfig(vae!)
  assert.deepEqual([latentMean, latentDeviation], [[1, 2, 3], [4, 5, 6]]) // biome-ignore format: a pair
})

/** What a DiT file is refused with after `change`. */
async function ditRefusal(change: (entries: TensorEntry[]) => TensorEntry[]): Promise<AtelierError> {
  const error = await withEntries(change(randomEntries(ditTensors(tinyDit))), (path) =>
    refusal(loadDit(path)),
  )
  assert.equal(error.code, "model_invalid")
  assert.match(error.message, /^[^\n]+\.$/)
  return error
}

const without = (name: string) => (entries: TensorEntry[]) => entries.filter((entry) => entry.name !== name)
const reshaped = (name: string, shape: number[]) => (entries: TensorEntry[]) =>
  entries.map((entry) => (entry.name === name ? randomEntries([[name, shape]])[0]! : entry))

test("a missing tensor is named with the shape that is expected", async () => {
  assert.match(
    (await ditRefusal(without("blocks.1.mlp.up.weight"))).message,
    /lacks the tensor blocks\.1\.mlp\.up\.weight: \[256, 64\] is expected, and nothing was found\.$/,
  )
  assert.match((await ditRefusal(without("first.weight"))).message, /tensor first\.weight is expected/)
})

test("a wrong shape is named with both shapes", async () => {
  assert.match(
    (await ditRefusal(reshaped("blocks.1.attn.wk.weight", [64, 64]))).message,
    /^Tensor blocks\.1\.attn\.wk\.weight of .* has the shape \[64, 64\]; \[32, 64\] is expected\.$/,
  )
  assert.match(
    (await ditRefusal(reshaped("first.weight", [64]))).message,
    /first\.weight .* has the shape \[64\]; 2 dimensions/,
  )
  assert.match(
    (await ditRefusal(reshaped("blocks.0.attn.wq.weight", [60, 64]))).message,
    /has 60 rows; a multiple of the head size 16/,
  )
})

test("an extra tensor is named", async () => {
  const add = (name: string) => (entries: TensorEntry[]) => [...entries, ...randomEntries([[name, [3]]])]
  assert.match(
    (await ditRefusal(add("blocks.0.attn.wx.weight"))).message,
    /holds the tensor blocks\.0\.attn\.wx\.weight \[3\], which a Krea 2 image model of this size does not have\.$/,
  )
  assert.match((await ditRefusal(add("blocks.7.attn.wq.weight"))).message, /lacks the tensor blocks\.2\./)
  assert.match((await ditRefusal(add("blocks.999999999999.x"))).message, /lacks the tensor blocks\.2\./)
})

test("a file of another family is said to be no Krea 2 model", async () => {
  const error = await withEntries(
    randomEntries([
      ["blocks.0.self_attn.q.weight", [4, 4]],
      ["blocks.0.ffn.0.weight", [4, 4]],
    ]),
    (path) => refusal(loadDit(path)),
  )
  assert.match(
    error.message,
    /is not a Krea 2 image model: the tensor txtfusion\.projector\.weight is expected, and found were 2 tensors such as blocks\.0\.self_attn\.q\.weight\.$/,
  )
})

test("a weight stored as plain integers is refused", async () => {
  const error = await ditRefusal((entries) =>
    entries.map((entry) =>
      entry.name === "last.linear.weight"
        ? { ...entry, type: "I32", data: new Uint8Array(16 * 64 * 4) }
        : entry,
    ),
  )
  assert.match(
    error.message,
    /^Tensor last\.linear\.weight of .* is stored as I32; a float or a quantised type with its scale is expected\.$/,
  )
})

const goldenDit = golden("dit-tiny.safetensors")
test("the golden DiT, text tower and VAE have complete lists of tensors", {
  skip: goldenDit.skip,
}, async () => {
  const { dit } = splitComponents(await openCheckpoint(goldenDit.path))
  const config: DitConfig = ditConfig(dit!)
  assert.deepEqual(config, { ...tinyDit, layers: 3, textKvHeads: 2 })
  checkDit(dit!, config)
  const { text } = splitComponents(await openCheckpoint(golden("qwen3vl-text-tiny.safetensors").path))
  const tower = textConfig(text!, { taps: [1, 3, 5] })
  checkText(text!, tower)
  assert.deepEqual([tower.vocabulary, tower.layers, tower.heads, tower.kvHeads], [100, 6, 4, 2])
  const { vae } = splitComponents(await openCheckpoint(golden("vae-tiny.safetensors").path))
  const settings = { latentMean: latentMean.slice(0, 4), latentDeviation: [1, 1, 1, 1] }
  const sizes = vaeConfig(vae!, settings)
  checkVae(vae!, sizes)
  assert.deepEqual(
    [sizes.baseDim, sizes.latentChannels, sizes.multipliers, sizes.resBlocks],
    [6, 4, [1, 2, 4, 4], 2],
  )
})
