// Encodes the training set once with the trained autoencoder: what the denoiser's trainer reads.
import { existsSync, mkdirSync, openSync, readSync, renameSync, statSync, writeFileSync } from "node:fs"
import { cropInto, type Located, type PictureRecord, type PictureSet } from "./pictures.ts"
import { createCoder } from "./recipes/vae.ts"

const LATENTS = "data/latents"
const CHANNELS = 16

export const noLatents = (): Error =>
  new Error(`There are no latents of these pictures in ${LATENTS}; make them: npm run train -- latents`)

/** Encodes every shard that has no latents yet; each file appears whole. Latents are not normalised. */
export async function encodeLatents(
  pictures: PictureSet,
  weights: ReadonlyMap<string, Float32Array>,
  folder = LATENTS,
  print = console.log,
): Promise<void> {
  mkdirSync(`${folder}/${pictures.version}`, { recursive: true })
  const coder = await createCoder(weights)
  const shards = Map.groupBy(pictures.records, (r) => r.shard)
  for (const [shard, records] of shards) {
    const path = latentPath(folder, pictures, shard)
    if (existsSync(path) && statSync(path).size === records.reduce((n, r) => n + latentSize(r) * 2, 0))
      continue
    const parts: Float16Array[] = []
    const batch = 16
    for (let i = 0; i < records.length; ) {
      const { width, height } = records[i]!
      let end = i
      while (
        end < records.length &&
        end - i < batch &&
        records[end]!.width === width &&
        records[end]!.height === height
      )
        end++
      const images = new Float32Array((end - i) * 3 * width * height)
      for (let j = i; j < end; j++)
        cropInto(images, (j - i) * 3 * width * height, pictures.read(records[j]!), width, 0, 0, width, height)
      parts.push(new Float16Array(await coder.encode(images, width, height)))
      i = end
    }
    writeFileSync(`${path}.part`, Buffer.concat(parts.map((p) => new Uint8Array(p.buffer))))
    renameSync(`${path}.part`, path)
    print(`latents of shard ${shard}: ${records.length} pictures`)
  }
  await coder.close()
}

const latentPath = (folder: string, pictures: PictureSet, shard: number): string =>
  `${folder}/${pictures.version}/${pictures.shards[shard]}.f16`
const latentSize = (r: PictureRecord): number => (CHANNELS * r.width * r.height) / 64

/** Reads one record's latent [16,h,w]. Records must be asked for by their place in `pictures.records`. */
export function openLatents(
  pictures: PictureSet,
  folder = LATENTS,
): { has: (index: number) => boolean; read: (index: number) => Float16Array } {
  const files = new Map<number, number>()
  const offsets = new Float64Array(pictures.records.length)
  const next = new Map<number, number>()
  pictures.records.forEach((r: Located, i) => {
    offsets[i] = next.get(r.shard) ?? 0
    next.set(r.shard, offsets[i]! + latentSize(r) * 2)
    if (!files.has(r.shard) && existsSync(latentPath(folder, pictures, r.shard)))
      files.set(r.shard, openSync(latentPath(folder, pictures, r.shard), "r"))
  })
  return {
    has: (index) => files.has(pictures.records[index]!.shard),
    read: (index) => {
      const record = pictures.records[index]!
      const out = new Float16Array(latentSize(record))
      readSync(files.get(record.shard)!, out, 0, out.byteLength, offsets[index]!)
      return out
    },
  }
}
