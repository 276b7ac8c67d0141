// Makes whole tiny models on disk, random but complete: what engine tests generate with.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ditTensors, type TensorTable, textTensors, vaeTensors } from "../../src/checkpoint/expected.ts"
import { writeSafetensors } from "../../src/checkpoint/write.ts"
import type { DitConfig, TextConfig, VaeConfig } from "../../src/nets/index.ts"
import type { ManifestInput } from "../../src/sampling/manifest.ts"
import { noise } from "./run.ts"

export const TINY_DIT: DitConfig = {
  features: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  patch: 2,
  channels: 4,
  timeDim: 32,
  mlpDim: 128,
  textDim: 32,
  textLayers: 2,
  textHeads: 2,
  textKvHeads: 2,
  textHeadDim: 16,
  textMlpDim: 128,
  layerwiseBlocks: 2,
  refinerBlocks: 2,
}

export const TINY_TEXT: TextConfig = {
  vocabulary: 300,
  hidden: 32,
  layers: 3,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  mlpDim: 64,
  taps: [1, 3],
  ropeTheta: 5e6,
}

export const TINY_VAE: VaeConfig = {
  baseDim: 6,
  latentChannels: 4,
  multipliers: [1, 2, 4, 4],
  resBlocks: 1,
  latentMean: [0, 0.1, -0.1, 0],
  latentDeviation: [1, 1.5, 2, 1],
}

/** Writes random weights of a table; matrices keep the size of what goes through them. */
export async function writeRandom(
  path: string,
  table: TensorTable,
  options: { seed?: number; metadata?: Record<string, string> } = {},
): Promise<void> {
  const entries = [...table].map(([name, shape], i) => {
    const count = shape.reduce((a, b) => a * b, 1)
    const fan = shape.length > 1 ? count / shape[0]! : 1
    const plain = /(norm|gamma)[^.]*(\.weight)?$/.test(name)
    const size = shape.length > 1 && !plain ? 1.7 / Math.sqrt(fan) : 0.1
    const data = noise(count, (options.seed ?? 1) * 1000 + i).map((v) => v * size + (plain ? 1 : 0))
    return { name, type: "F32" as const, shape, data }
  })
  await writeSafetensors(path, entries, options.metadata)
}

/** Byte-level tokens without merges, and the special ones. */
function tokenizerJson(): unknown {
  const bytes = Array.from({ length: 256 }, (_, b) => b)
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  let extra = 0
  const vocab: Record<string, number> = {}
  for (const b of bytes) vocab[String.fromCodePoint(printable(b) ? b : 256 + extra++)] = b
  const special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map((content, i) => ({
    id: 256 + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }))
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false }
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: { type: "NFC" },
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: { type: "BPE", dropout: null, unk_token: null, vocab, merges: [] },
  }
}

export interface TinyModel extends AsyncDisposable {
  /** A home folder with one model in models/<name>. */
  home: string
  folder: string
  name: string
}

/** A home folder with one complete random model. */
export async function makeModel(
  options: { name?: string; manifest?: Partial<ManifestInput>; dit?: Partial<DitConfig>; seed?: number } = {},
): Promise<TinyModel> {
  const { name = "tiny", seed = 1 } = options
  const home = await mkdtemp(join(tmpdir(), "atelier-test-"))
  const folder = join(home, "models", name)
  await mkdir(join(folder, "tokenizer"), { recursive: true })
  await writeRandom(join(folder, "dit.safetensors"), ditTensors({ ...TINY_DIT, ...options.dit }), { seed })
  await writeRandom(join(folder, "text.safetensors"), textTensors(TINY_TEXT), { seed: seed + 1 })
  const metadata = {
    latents_mean: JSON.stringify(TINY_VAE.latentMean),
    latents_std: JSON.stringify(TINY_VAE.latentDeviation),
  }
  await writeRandom(join(folder, "vae.safetensors"), vaeTensors(TINY_VAE), { seed: seed + 2, metadata })
  await writeFile(join(folder, "tokenizer", "tokenizer.json"), JSON.stringify(tokenizerJson()))
  const manifest: ManifestInput = {
    name,
    title: "Tiny",
    variant: "medium",
    files: {
      dit: "dit.safetensors",
      text: "text.safetensors",
      vae: "vae.safetensors",
      tokenizer: "tokenizer",
    },
    text: { taps: [...TINY_TEXT.taps] },
    defaults: { steps: 3, guidance: 2, width: 256, height: 256 },
    ...options.manifest,
  }
  await writeFile(join(folder, "model.json"), JSON.stringify(manifest))
  return { home, folder, name, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) }
}
