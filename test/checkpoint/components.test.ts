// Layouts: every public way of naming the same weights ends in the same canonical tensors.
import assert from "node:assert/strict"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { test } from "node:test"
import {
  type Checkpoint,
  checkDit,
  checkText,
  checkVae,
  ditConfig,
  ditTensors,
  findComponents,
  fromDiffusersName,
  openCheckpoint,
  readTensor,
  splitComponents,
  type TensorEntry,
  textConfig,
  textTensors,
  toDiffusersName,
  vaeConfig,
  vaeTensors,
  vaeTimeTensors,
  writeSafetensors,
} from "../../src/checkpoint/index.ts"
import { golden, randomEntries, refusal, scratch } from "./helpers.ts"
import { kreaDit, tinyDit, tinyText, tinyVae } from "./tiny.ts"

const ditEntries = randomEntries(ditTensors(tinyDit), 1)
const textEntries = randomEntries(textTensors(tinyText), 2000)
const vaeEntries = randomEntries([...vaeTensors(tinyVae), ...vaeTimeTensors(tinyVae)], 3000)

const renamed = (entries: TensorEntry[], rename: (name: string) => string) =>
  entries.map((entry) => ({ ...entry, name: rename(entry.name) }))

/** diffusers names; its table of modulations is [6, F]. */
const diffusersDit = renamed(ditEntries, (name) => toDiffusersName(name)!).map((entry) =>
  /^transformer_blocks\.\d+\.scale_shift_table$/.test(entry.name)
    ? { ...entry, shape: [6, entry.shape[0]! / 6] }
    : entry,
)

async function assertSame(checkpoint: Checkpoint | undefined, entries: TensorEntry[]): Promise<void> {
  assert.deepEqual([...checkpoint!.tensors.keys()].toSorted(), entries.map(({ name }) => name).toSorted())
  for (const { name, shape, data } of entries) {
    assert.deepEqual(checkpoint!.tensors.get(name)!.shape, shape, name)
    assert.deepEqual(await readTensor(checkpoint!, name), data, name)
  }
}

async function splitOf(entries: TensorEntry[]) {
  const folder = await scratch()
  const path = join(folder.path, "model.safetensors")
  await writeSafetensors(path, entries)
  return {
    ...splitComponents(await openCheckpoint(path)),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}

for (const prefix of [
  "",
  "model.diffusion_model.",
  "diffusion_model.",
  "transformer.",
  "model.transformer.",
]) {
  test(`a DiT under the prefix "${prefix}" becomes canonical`, async () => {
    await using split = await splitOf(renamed(ditEntries, (name) => prefix + name))
    await assertSame(split.dit, ditEntries)
    checkDit(split.dit!, ditConfig(split.dit!))
  })
  test(`a diffusers DiT under the prefix "${prefix}" becomes canonical`, async () => {
    await using split = await splitOf(renamed(diffusersDit, (name) => prefix + name))
    await assertSame(split.dit, ditEntries)
  })
}

test("diffusers names map there and back for every tensor of the real model", () => {
  const names = [...ditTensors(kreaDit).keys()]
  const there = names.map((name) => toDiffusersName(name)!)
  assert.equal(new Set(there).size, 430)
  assert.deepEqual(there.map(fromDiffusersName), names)
})

test("the two unused tensors of some repacks are tolerated", async () => {
  const extra = randomEntries([
    ["last.up.weight", [64, 64]],
    ["last.down.weight", [64, 64]],
  ])
  await using split = await splitOf(
    renamed([...ditEntries, ...extra], (name) => `model.diffusion_model.${name}`),
  )
  await assertSame(split.dit, ditEntries)
  assert.equal(split.ignored.length, 2)
})

const llama: [RegExp, string][] = [
  [/^embed_tokens/, "token_embd"],
  [/^norm/, "output_norm"],
  [/^layers\.(\d+)\.self_attn\.([qkv])_proj/, "blk.$1.attn_$2"],
  [/^layers\.(\d+)\.self_attn\.o_proj/, "blk.$1.attn_output"],
  [/^layers\.(\d+)\.self_attn\.([qk])_norm/, "blk.$1.attn_$2_norm"],
  [/^layers\.(\d+)\.input_layernorm/, "blk.$1.attn_norm"],
  [/^layers\.(\d+)\.post_attention_layernorm/, "blk.$1.ffn_norm"],
  [/^layers\.(\d+)\.mlp\.(gate|up|down)_proj/, "blk.$1.ffn_$2"],
]

/** A canonical name in llama.cpp's words. */
function llamaName(name: string): string {
  const [pattern, words] = llama.find(([pattern]) => pattern.test(name))!
  return name.replace(pattern, words)
}

const textLayouts: [string, (name: string) => string, string[]][] = [
  ["canonical", (name) => name, []],
  [
    "Hugging Face",
    (name) => `model.language_model.${name}`,
    ["model.visual.blocks.0.attn.qkv.weight", "lm_head.weight"],
  ],
  ["diffusers", (name) => `language_model.${name}`, ["visual.merger.norm.weight"]],
  ["ComfyUI", (name) => `model.${name}`, ["visual.patch_embed.proj.weight"]],
  [
    "ComfyUI all-in-one",
    (name) => `text_encoders.qwen3vl_4b.transformer.model.${name}`,
    ["text_encoders.qwen3vl_4b.transformer.visual.x.weight"],
  ],
  [
    "stable-diffusion.cpp",
    (name) => `text_encoders.llm.model.${name}`,
    ["text_encoders.llm.visual.x.weight"],
  ],
  ["llama.cpp", llamaName, ["output.weight", "rope_freqs.weight"]],
  ["llama.cpp inside stable-diffusion.cpp", (name) => `text_encoders.llm.${llamaName(name)}`, []],
]

for (const [what, rename, ignored] of textLayouts)
  test(`a text tower in ${what} names becomes canonical`, async () => {
    await using split = await splitOf([
      ...renamed(textEntries, rename),
      ...randomEntries(ignored.map((name) => [name, [2]])),
    ])
    await assertSame(split.text, textEntries)
    assert.deepEqual(split.ignored, ignored)
    assert.deepEqual([split.dit, split.vae, split.unknown], [undefined, undefined, []])
    checkText(split.text!, textConfig(split.text!))
  })

/** A canonical name in the Wan original's words, for two residual blocks per level (architecture.md 6). */
function wanName(name: string): string {
  return name
    .replace(/^quant_conv/, "conv1")
    .replace(/^post_quant_conv/, "conv2")
    .replace(/^(en|de)coder\.conv_in/, "$1coder.conv1")
    .replace(/^(en|de)coder\.norm_out/, "$1coder.head.0")
    .replace(/^(en|de)coder\.conv_out/, "$1coder.head.2")
    .replace("mid_block.resnets.0", "middle.0.residual")
    .replace("mid_block.attentions.0", "middle.1")
    .replace("mid_block.resnets.1", "middle.2.residual")
    .replace(/down_blocks\.(\d+)\.(norm|conv\d)/, "downsamples.$1.residual.$2")
    .replace(/down_blocks/, "downsamples")
    .replace(
      /up_blocks\.(\d)\.resnets\.(\d)\.(?!conv_shortcut)/,
      (_, i, j) => `upsamples.${4 * i + +j}.residual.`,
    )
    .replace(/up_blocks\.(\d)\.resnets\.(\d)/, (_, i, j) => `upsamples.${4 * i + +j}`)
    .replace(/up_blocks\.(\d)\.upsamplers\.0/, (_, i) => `upsamples.${4 * i + 3}`)
    .replace("conv_shortcut", "shortcut")
    .replace(
      /residual\.(norm1|conv1|norm2|conv2)/,
      (_, part) => `residual.${{ norm1: 0, conv1: 2, norm2: 3, conv2: 6 }[part as string]}`,
    )
}

test("the Wan names used here are the published ones", () => {
  assert.deepEqual(
    [
      "encoder.down_blocks.3.conv_shortcut.weight",
      "encoder.down_blocks.5.time_conv.bias",
      "decoder.up_blocks.1.resnets.2.norm2.gamma",
      "decoder.up_blocks.2.upsamplers.0.resample.1.weight",
      "decoder.mid_block.resnets.1.conv2.bias",
    ].map(wanName),
    [
      "encoder.downsamples.3.shortcut.weight",
      "encoder.downsamples.5.time_conv.bias",
      "decoder.upsamples.6.residual.3.gamma",
      "decoder.upsamples.11.resample.1.weight",
      "decoder.middle.2.residual.6.bias",
    ],
  )
})

for (const prefix of ["", "vae.", "first_stage_model."])
  for (const [what, rename] of [
    ["diffusers", (name: string) => name],
    ["Wan", wanName],
  ] as const)
    test(`a VAE in ${what} names under "${prefix}" becomes canonical`, async () => {
      await using split = await splitOf(renamed(vaeEntries, (name) => prefix + rename(name)))
      await assertSame(split.vae, vaeEntries)
      checkVae(split.vae!, vaeConfig(split.vae!, tinyVae))
    })

test("an all-in-one file splits into image model, text tower and VAE", async () => {
  await using split = await splitOf([
    ...renamed(ditEntries, (name) => `model.diffusion_model.${name}`),
    ...renamed(textEntries, (name) => `text_encoders.qwen3vl_4b.transformer.model.${name}`),
    ...renamed(vaeEntries, (name) => `vae.${wanName(name)}`),
  ])
  await assertSame(split.dit, ditEntries)
  await assertSame(split.text, textEntries)
  await assertSame(split.vae, vaeEntries)
})

test("two names for one tensor are refused", async () => {
  const twice = [...ditEntries, { ...ditEntries[0]!, name: "img_in.weight" }]
  assert.match(
    (await refusal(splitOf(twice))).message,
    /holds first\.weight and img_in\.weight, which are the same tensor first\.weight/,
  )
})

test("a diffusers folder gives its components, its tokenizer and what its small files say", async () => {
  await using folder = await scratch()
  const at = (...parts: string[]) => join(folder.path, ...parts)
  const half = Math.floor(diffusersDit.length / 2)
  const shards = [diffusersDit.slice(0, half), diffusersDit.slice(half)]
  const weightMap: Record<string, string> = {}
  for (const [i, shard] of shards.entries()) {
    const file = `diffusion_pytorch_model-0000${i + 1}-of-00002.safetensors`
    await writeSafetensors(at("transformer", file), shard)
    for (const { name } of shard) weightMap[name] = file
  }
  await writeFile(
    at("transformer", "diffusion_pytorch_model.safetensors.index.json"),
    JSON.stringify({ weight_map: weightMap }),
  )
  await writeSafetensors(
    at("text_encoder", "model.safetensors"),
    renamed(textEntries, (name) => `language_model.${name}`),
  )
  await writeSafetensors(at("vae", "diffusion_pytorch_model.safetensors"), vaeEntries)
  await mkdir(at("tokenizer"))
  await writeFile(
    at("model_index.json"),
    JSON.stringify({ is_distilled: true, text_encoder_select_layers: [1, 2, 4] }),
  )
  await writeFile(at("text_encoder", "config.json"), JSON.stringify({ text_config: { rope_theta: 12345 } }))
  await writeFile(
    at("vae", "config.json"),
    JSON.stringify({ latents_mean: [1, 2, 3], latents_std: [4, 5, 6] }),
  )

  const model = await findComponents(folder.path)
  await assertSame(model.dit, ditEntries)
  await assertSame(model.text, textEntries)
  await assertSame(model.vae, vaeEntries)
  assert.equal(model.dit!.files.length, 2)
  assert.equal(model.tokenizer, at("tokenizer"))
  assert.equal(model.distilled, true)
  assert.deepEqual(textConfig(model.text!, model).taps, [1, 2, 4])
  assert.equal(textConfig(model.text!, model).ropeTheta, 12345)
  assert.deepEqual(vaeConfig(model.vae!).latentDeviation, [4, 5, 6])
  // An installed model names the file, and it must mean the same then.
  const alone = (await findComponents(at("vae", "diffusion_pytorch_model.safetensors"))).vae!
  assert.deepEqual(vaeConfig(alone), vaeConfig(model.vae!))

  await writeFile(at("model_index.json"), "{broken")
  assert.match((await refusal(findComponents(folder.path))).message, /model_index\.json is not a JSON object/)
})

test("a sharded index that places a tensor where it is not, or elsewhere on the disk, is refused", async () => {
  await using folder = await scratch()
  const index = join(folder.path, "model.safetensors.index.json")
  await writeSafetensors(join(folder.path, "a.safetensors"), randomEntries([["x", [2]]]))
  await writeSafetensors(
    join(folder.path, "b.safetensors"),
    randomEntries([
      ["x", [2]],
      ["y", [2]],
    ]),
  )
  const refused = async (map: unknown) => {
    await writeFile(index, JSON.stringify({ weight_map: map }))
    return (await refusal(openCheckpoint(index))).message
  }
  assert.match(
    await refused({ x: "a.safetensors", z: "a.safetensors" }),
    /places tensor z in a\.safetensors, and it is not there/,
  )
  assert.match(
    await refused({ x: "a.safetensors", y: "b.safetensors" }),
    /Tensor x stands twice: in a\.safetensors and in b\.safetensors/,
  )
  assert.match(
    await refused({ x: "../a.safetensors" }),
    /places tensor x in "\.\.\/a\.safetensors"; a \.safetensors file of the same folder/,
  )
  assert.match(await refused({ x: "c.safetensors" }), /c\.safetensors does not exist/)
  assert.match(await refused(undefined), /it has no weight_map/)
})

test("a path that is nothing, an empty folder, a crowded folder and a foreign file are refused", async () => {
  await using folder = await scratch()
  const message = async (path: string) => (await refusal(findComponents(path))).message
  assert.match(await message(join(folder.path, "nothing")), /nothing does not exist; check the path/)
  assert.match(await message(folder.path), /holds no \.safetensors or \.gguf file/)
  await writeFile(join(folder.path, "model.ckpt"), "")
  assert.match(await message(join(folder.path, "model.ckpt")), /is not a checkpoint: a \.safetensors file/)
  await writeSafetensors(join(folder.path, "a.safetensors"), randomEntries([["conv_norm_out.weight", [2]]]))
  assert.match(
    await message(folder.path),
    /holds the tensor conv_norm_out\.weight, which no part of Krea 2 has/,
  )
  await writeSafetensors(join(folder.path, "b.safetensors"), [])
  assert.match(
    await message(folder.path),
    /holds 2 model files \(a\.safetensors, b\.safetensors, \.\.\.\) and no index/,
  )
})

test("a file with nothing to make pictures from is refused, whatever else it holds", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "some.safetensors")
  await writeSafetensors(path, [])
  assert.match((await refusal(findComponents(path))).message, /holds no tensor; a Krea 2 image model, text/)
  await writeSafetensors(path, randomEntries([["visual.merger.weight", [2]]]))
  const { code, message } = await refusal(findComponents(path))
  assert.equal(code, "model_invalid")
  assert.match(message, /holds only tensors that making pictures never uses, such as visual\.merger\.weight/)
  const gguf = join(folder.path, "cut.gguf")
  await writeFile(gguf, Uint8Array.of(0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0)) // the header's beginning
  assert.match((await refusal(findComponents(gguf))).message, /cut\.gguf holds no tensor/)
})

test("a folder that is called like a file is opened as the folder that it is", async () => {
  await using folder = await scratch()
  const path = join(folder.path, "model.safetensors")
  await mkdir(path)
  assert.match((await refusal(findComponents(path))).message, /The folder .*model\.safetensors holds no/)
  await writeSafetensors(join(path, "dit.safetensors"), ditEntries)
  assert.deepEqual(ditConfig((await findComponents(path)).dit!), tinyDit)
})

const original = golden("dit-tiny.safetensors")
test("the golden DiT is the same under original and diffusers names", { skip: original.skip }, async () => {
  const { dit: a, unknown } = splitComponents(await openCheckpoint(original.path))
  const { dit: b } = splitComponents(await openCheckpoint(golden("dit-tiny-diffusers.safetensors").path))
  assert.deepEqual([...a!.tensors.keys()].toSorted(), [...b!.tensors.keys()].toSorted())
  for (const [name, { shape }] of a!.tensors) {
    assert.deepEqual(b!.tensors.get(name)!.shape, shape, name)
    assert.deepEqual(await readTensor(b!, name), await readTensor(a!, name), name)
  }
  assert.ok(unknown.every((name) => /^(input|tap)\./.test(name)))
})
