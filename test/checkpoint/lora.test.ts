// LoRA: every layout gives the same change of the same weights, and what cannot be read is named.
import assert from "node:assert/strict"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { test } from "node:test"
import {
  applyLoras,
  ditConfig,
  ditModules,
  ditTensors,
  type Lora,
  loadLora,
  loraTargets,
  openCheckpoint,
  splitComponents,
  type TensorEntry,
  toDiffusersName,
  writeSafetensors,
} from "../../src/checkpoint/index.ts"
import { golden, largestError, randomEntries, randomValues, refusal, scratch } from "./helpers.ts"
import { kreaDit, tinyDit } from "./tiny.ts"

const table = ditTensors(tinyDit)
const modules = ditModules(tinyDit)
const usualRank = 4
const diffusersModule = (module: string) => toDiffusersName(`${module}.weight`)!.replace(/\.weight$/, "")
const flat = (module: string) => module.replaceAll(".", "_")

interface Layout {
  name: (module: string) => string
  down: string
  up: string
  alpha?: number
}

const peft = { down: "lora_A.weight", up: "lora_B.weight" }
const kohya = { down: "lora_down.weight", up: "lora_up.weight", alpha: 2 }
const layouts: Record<string, Layout> = {
  "ai-toolkit and ComfyUI peft": { ...peft, name: (module) => `diffusion_model.${module}` },
  "base-model peft": { ...peft, name: (module) => `base_model.model.${module}` },
  "base-model peft around diffusion_model": {
    ...peft,
    name: (module) => `base_model.model.diffusion_model.${module}`,
  },
  diffusers: { ...peft, name: (module) => `transformer.${diffusersModule(module)}` },
  "bare original": { ...peft, name: (module) => module },
  "bare diffusers": { ...peft, name: diffusersModule },
  "named adapters": {
    name: (module) => `transformer.${module}`,
    down: "lora_A.default.weight",
    up: "lora_B.default.weight",
  },
  kohya: { ...kohya, name: (module) => `lora_unet_${flat(module)}` },
  "kohya over diffusers names": { ...kohya, name: (module) => `lora_unet_${flat(diffusersModule(module))}` },
  lycoris: { ...kohya, name: (module) => `lycoris_${flat(module)}` },
  lora_transformer: { ...kohya, name: (module) => `lora_transformer_${flat(diffusersModule(module))}` },
  "musubi native": { ...kohya, name: (module) => `diffusion_model.${module}` },
  "native without alpha": { down: kohya.down, up: kohya.up, name: (module) => `diffusion_model.${module}` },
}

function entriesIn(layout: Layout, rank = usualRank): TensorEntry[] {
  return modules.flatMap((module, i) => {
    const [out, input] = table.get(`${module}.weight`) as [number, number]
    const name = layout.name(module)
    const alpha: TensorEntry[] =
      layout.alpha === undefined
        ? []
        : [{ name: `${name}.alpha`, type: "F32", shape: [], data: Float32Array.of(layout.alpha) }]
    return [
      ...randomEntries([[`${name}.${layout.down}`, [rank, input]]], 2 * i),
      ...randomEntries([[`${name}.${layout.up}`, [out, rank]]], 2 * i + 1),
      ...alpha,
    ]
  })
}

async function load(entries: TensorEntry[], metadata?: Record<string, string>): Promise<Lora> {
  await using folder = await scratch()
  const path = join(folder.path, "lora.safetensors")
  await writeSafetensors(path, entries, metadata)
  return await loadLora(path, tinyDit)
}

for (const [what, layout] of Object.entries(layouts))
  test(`a LoRA in the ${what} layout names every module and has the right alpha`, async () => {
    const lora = await load(entriesIn(layout))
    assert.deepEqual(
      lora.modules.map(({ module }) => module),
      modules,
    )
    const plain = entriesIn({ ...peft, name: (module) => module })
    for (const [i, part] of lora.modules.entries()) {
      assert.deepEqual([part.rank, part.alpha], [usualRank, layout.alpha ?? usualRank])
      assert.deepEqual([part.down, part.up], [plain[2 * i]!.data, plain[2 * i + 1]!.data])
    }
  })

test("no two of the real model's 430 tensors but a module's own have the same flattened name", () => {
  const names = [...ditTensors(kreaDit).keys()]
    .filter((tensor) => !tensor.endsWith(".bias"))
    .flatMap((tensor) =>
      [tensor, toDiffusersName(tensor)!].map((t) => flat(t.replace(/\.(weight|scale)$/, ""))),
    )
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.length > 2 * 264)
})

test("diffusers' header metadata sets alpha, per module and rank-stabilised too", async () => {
  const entries = entriesIn(layouts.diffusers!)
  const settings = {
    "transformer.lora_alpha": 8,
    "transformer.alpha_pattern": { "transformer_blocks.0.attn.to_q": 3 },
  }
  const lora = await load(entries, { lora_adapter_metadata: JSON.stringify(settings) })
  const alphaOf = (lora: Lora, module: string) => lora.modules.find((part) => part.module === module)!.alpha
  assert.equal(alphaOf(lora, "blocks.0.attn.wq"), 3)
  assert.equal(alphaOf(lora, "blocks.1.attn.wq"), 8)
  const stable = await load(entries, {
    lora_adapter_metadata: JSON.stringify({ ...settings, "transformer.use_rslora": true }),
  })
  assert.equal(alphaOf(stable, "blocks.1.attn.wq"), 16) // 16/4 = 8/sqrt(4)
})

/** W + strength * alpha/rank * up @ down, by definition. */
function byFormula(weight: Float32Array, lora: Lora, name: string, strength: number): Float32Array {
  const part = lora.modules.find(({ module }) => `${module}.weight` === name)!
  const input = part.down.length / part.rank
  return weight.map((value, i) => {
    let sum = 0
    for (let r = 0; r < part.rank; r++)
      sum += part.up[Math.floor(i / input) * part.rank + r]! * part.down[r * input + (i % input)]!
    return value + ((strength * part.alpha) / part.rank) * sum
  })
}

test("applied LoRAs add strength * alpha/rank * up @ down, each with its strength", async () => {
  const first = await load(entriesIn(layouts.kohya!))
  const second = await load(entriesIn(layouts.diffusers!, 11))
  for (const name of ["blocks.0.mlp.down.weight", "txtfusion.projector.weight", "last.linear.weight"]) {
    const weight = randomValues(
      table.get(name)!.reduce((a, b) => a * b),
      9,
    )
    const expected = byFormula(byFormula(weight, first, name, 0.8), second, name, -1.5)
    const loras = [{ lora: first, strength: 0.8 }, { lora: second, strength: -1.5 }] // biome-ignore format: a pair
    assert.ok(largestError(applyLoras(name, weight.slice(), loras), expected) < 1e-5)
  }
  const norm = randomValues(64)
  assert.deepEqual(applyLoras("blocks.0.prenorm.scale", norm.slice(), [{ lora: first, strength: 1 }]), norm)
})

test("rows changed in parts equal rows changed at once", async () => {
  const lora = await load(entriesIn(layouts.kohya!))
  const name = "blocks.1.mlp.gate.weight"
  const weight = randomValues(256 * 64, 4)
  const whole = applyLoras(name, weight.slice(), [{ lora, strength: 2 }])
  for (const first of [0, 100, 200]) {
    const part = weight.slice(first * 64, (first + 56) * 64)
    applyLoras(name, part, [{ lora, strength: 2 }], first)
    assert.deepEqual(part, whole.slice(first * 64, (first + 56) * 64))
  }
})

test("strength and its opposite cancel, and strength 0 changes no tensor", async () => {
  const lora = await load(entriesIn(layouts.diffusers!))
  const weight = randomValues(64 * 64)
  const name = "blocks.0.attn.wq.weight"
  assert.ok(
    largestError(
      applyLoras(name, weight.slice(), [
        { lora, strength: 2 },
        { lora, strength: -2 },
      ]),
      weight,
    ) < 1e-6,
  )
  assert.deepEqual(applyLoras(name, weight.slice(), [{ lora, strength: 0 }]), weight)
  assert.equal(loraTargets([{ lora, strength: 0 }]).size, 0)
  assert.equal(loraTargets([{ lora, strength: 1 }]).size, modules.length)
})

test("a strength outside -2 to 2 is out of range", async () => {
  const lora = await load(entriesIn(layouts.diffusers!))
  for (const strength of [2.5, -2.01, Number.NaN])
    assert.throws(() => applyLoras("blocks.0.attn.wq.weight", new Float32Array(4096), [{ lora, strength }]), {
      code: "out_of_range",
      message: new RegExp(`has strength ${strength}; strengths go from -2 to 2`),
    })
})

test("full differences of weights, biases and norms are added", async () => {
  const lora = await load([
    ...randomEntries([["diffusion_model.first.diff", [64, 16]]], 1),
    ...randomEntries([["diffusion_model.first.diff_b", [64]]], 2),
    ...randomEntries([["diffusion_model.blocks.0.prenorm.diff", [64]]], 3),
  ])
  assert.deepEqual(
    lora.deltas.map(({ tensor }) => tensor),
    ["first.weight", "first.bias", "blocks.0.prenorm.scale"],
  )
  const delta = randomEntries([["x", [64, 16]]], 1)[0]!.data as Float32Array
  const rows = applyLoras("first.weight", new Float32Array(3 * 16), [{ lora, strength: -0.5 }], 5)
  assert.deepEqual(
    rows,
    delta.slice(5 * 16, 8 * 16).map((value) => -0.5 * value),
  )
  const bias = applyLoras("first.bias", new Float32Array(64), [{ lora, strength: 1 }])
  assert.deepEqual(bias, randomEntries([["x", [64]]], 2)[0]!.data)
})

test("a low-rank pair of a modulation table changes it as the same full difference does, by every name", async () => {
  for (const [tensor, rows, names] of [
    [
      "last.modulation.lin",
      2,
      ["diffusion_model.last.modulation.lin", "transformer.final_layer.scale_shift_table"],
    ],
    [
      "blocks.1.mod.lin",
      6,
      ["diffusion_model.blocks.1.mod.lin", "base_model.model.transformer_blocks.1.scale_shift_table"],
    ],
  ] as const) {
    const [down, up] = [randomValues(4 * 64, 1), randomValues(rows * 4, 2)]
    const change = Float32Array.from({ length: rows * 64 }, (_, i) =>
      [0, 1, 2, 3].reduce(
        (sum, r) => sum + 0.5 * up[Math.floor(i / 64) * 4 + r]! * down[r * 64 + (i % 64)]!,
        0,
      ),
    )
    const f32 = (name: string, shape: number[], data: Float32Array): TensorEntry[] => [
      { name, type: "F32", shape, data },
    ]
    const pair = (a: string, b: string): TensorEntry[] => [...f32(a, [4, 64], down), ...f32(b, [rows, 4], up)]
    const files = [...names, `lora_unet_${flat(tensor)}`].flatMap((name) => [
      [
        ...pair(`${name}.lora_down.weight`, `${name}.lora_up.weight`),
        ...f32(`${name}.alpha`, [], Float32Array.of(2)),
      ],
      [...pair(`${name}.lora_A`, `${name}.lora_B`), ...f32(`${name}.alpha`, [], Float32Array.of(2))],
      f32(`${name}.diff`, [rows, 64], change),
      f32(`${name}.diff`, [...table.get(tensor)!], change),
    ])
    for (const entries of files) {
      const loras = [{ lora: await load(entries), strength: 1 }]
      assert.deepEqual([...loraTargets(loras)], [tensor])
      assert.ok(largestError(applyLoras(tensor, new Float32Array(rows * 64), loras), change) < 1e-6)
    }
  }
  const norm = "diffusion_model.blocks.0.prenorm"
  const pair = randomEntries([
    [`${norm}.lora_A.weight`, [1, 1]],
    [`${norm}.lora_B.weight`, [64, 1]],
  ])
  assert.match((await refusal(load(pair))).message, /blocks\.0\.prenorm, which is no module of this image/)
})

test("peft's settings beside its weights set alpha, as its own loading does", async () => {
  await using folder = await scratch()
  const alphas = async (file: string, settings?: object) => {
    const path = join(folder.path, file)
    await writeSafetensors(path, entriesIn(layouts["base-model peft"]!))
    const config = settings && JSON.stringify(settings)
    await writeFile(join(folder.path, "adapter_config.json"), config ?? "not JSON")
    const { modules } = await loadLora(path, tinyDit)
    return ["blocks.0.attn.wq", "blocks.1.attn.wq", "blocks.1.mlp.up"].map(
      (name) => modules.find(({ module }) => module === name)!.alpha,
    )
  }
  const model = "adapter_model.safetensors"
  assert.deepEqual(await alphas(model, { r: 4, lora_alpha: 16 }), [16, 16, 16])
  const pattern = { wq: 2, "blocks.1.attn.wq": 3, up: 8, p: 99 }
  assert.deepEqual(await alphas(model, { lora_alpha: 16, alpha_pattern: pattern }), [2, 2, 8])
  assert.deepEqual(await alphas(model, { lora_alpha: 16, use_rslora: true }), [32, 32, 32])
  assert.deepEqual(await alphas("another.safetensors", { lora_alpha: 16 }), [4, 4, 4])
  const error = await refusal(alphas(model))
  assert.equal(error.code, "model_invalid")
  assert.match(error.message, /adapter_config\.json is not JSON\.$/)
})

test("kinds of adapters that are not supported are named with their key", async () => {
  for (const [key, kind] of [
    ["lycoris_blocks_0_attn_wq.lokr_w1", "LoKr"],
    ["lora_unet_blocks_0_attn_wq.hada_w1_a", "LoHa"],
    ["diffusion_model.blocks.0.attn.wq.dora_scale", "DoRA"],
    ["transformer.transformer_blocks.0.attn.to_q.lora_magnitude_vector", "DoRA"],
    ["diffusion_model.blocks.0.attn.wq.lora_B.bias", "LoRA with biases"],
  ]) {
    const error = await refusal(load([...entriesIn(layouts.diffusers!), ...randomEntries([[key!, [4]]])]))
    assert.equal(error.code, "unsupported")
    assert.ok(error.message.includes(`holds the key ${key}: ${kind} is not supported`), error.message)
  }
})

test("broken LoRA files are refused with the key and what was expected", async () => {
  const name = "diffusion_model.blocks.0.attn.wk"
  const pair = randomEntries([
    [`${name}.lora_A.weight`, [4, 64]],
    [`${name}.lora_B.weight`, [32, 4]],
  ])
  const [down, up] = pair as [TensorEntry, TensorEntry]
  const cases: [TensorEntry[], RegExp][] = [
    [[], /it holds no tensor/],
    [[down], /the module blocks\.0\.attn\.wk has \S+lora_A\.weight and no up \(lora_B\) weight/],
    [[up], /has \S+lora_B\.weight and no down \(lora_A\) weight/],
    [
      [down, ...randomEntries([[up.name, [64, 4]]])],
      /lora_B\.weight has the shape \[64, 4\]; \[32, 4\] is expected/,
    ],
    [
      [...randomEntries([[down.name, [4, 60]]]), up],
      /lora_A\.weight has the shape \[4, 60\]; \[4, 64\] is expected/,
    ],
    [
      [down, up, ...randomEntries([["diffusion_model.blocks.9.attn.wk.lora_A.weight", [4, 64]]])],
      /names diffusion_model\.blocks\.9\.attn\.wk, which is no module/,
    ],
    [
      [down, up, ...randomEntries([["lora_te_text_model_layers_0_q.lora_down.weight", [4, 64]]])],
      /lora_te_text_model_layers_0_q, which is no module/,
    ],
    [
      [down, up, ...randomEntries([["diffusion_model.blocks.0.attn.wk.weight", [4, 64]]])],
      /the key diffusion_model\.blocks\.0\.attn\.wk\.weight is no part of a LoRA/,
    ],
    [[down, up, { ...down, name: "blocks.0.attn.wk.lora_down.weight" }], /mean the same; one is expected/],
  ]
  for (const [entries, sentence] of cases) {
    const error = await refusal(load(entries))
    assert.equal(error.code, "model_invalid")
    assert.match(error.message, sentence)
  }
})

test("a LoRA for a 6144 x 6144 weight of rank 32 is applied in seconds", () => {
  const [n, large] = [6144, 32]
  const up = randomValues(n * large, 1)
  const down = randomValues(n * large, 2)
  const lora: Lora = {
    path: "large",
    modules: [{ module: "blocks.0.attn.wq", down, up, alpha: large, rank: large }],
    deltas: [],
  }
  const start = performance.now()
  const weight = applyLoras("blocks.0.attn.wq.weight", new Float32Array(n * n), [{ lora, strength: 1 }])
  const seconds = (performance.now() - start) / 1000
  for (const [i, j] of [
    [0, 0],
    [6143, 6143],
    [17, 4000],
  ] as const) {
    let sum = 0
    for (let r = 0; r < large; r++) sum += up[i * large + r]! * down[r * n + j]!
    assert.ok(Math.abs(weight[i * n + j]! - sum) < 1e-5)
  }
  assert.ok(seconds < 15, `${seconds} s`) // about 1.3 s alone on one core
})

const goldenLora = golden("lora-tiny.safetensors")
test("the golden LoRA layouts name the same modules and agree where they hold the same change", {
  skip: goldenLora.skip,
}, async () => {
  const { dit } = splitComponents(await openCheckpoint(golden("dit-tiny.safetensors").path))
  const config = ditConfig(dit!)
  const shapes = ditTensors(config)
  const of = (layout: string) => loadLora(golden(`lora-tiny-${layout}.safetensors`).path, config)
  const [native, diffusers, kohyaFile, comfy, base] = await Promise.all(
    ["diffmodel-peft", "diffusers", "kohya", "comfy-native", "basemodel-peft"].map(of),
  )
  const change = (lora: Lora, name: string) =>
    applyLoras(name, new Float32Array(shapes.get(name)!.reduce((a, b) => a * b)), [{ lora, strength: 1 }])
  for (const module of ditModules(config)) {
    const name = `${module}.weight`
    assert.deepEqual(change(diffusers!, name), change(native!, name), name)
    assert.deepEqual(change(comfy!, name), change(kohyaFile!, name), name)
    if (base!.modules.some((part) => part.module === module))
      assert.deepEqual(change(base!, name), change(native!, name), name)
  }
  assert.deepEqual(
    [native, diffusers, kohyaFile, comfy, base].map((lora) => lora!.modules.length),
    [64, 64, 64, 64, 24],
  )
  assert.ok(kohyaFile!.modules.every(({ alpha, rank }) => alpha / rank === 0.5))
})
