// An engine that paints quiet landscapes: pictures to judge the page by where no model is installed.
import { setTimeout as after } from "node:timers/promises"
import sharp from "sharp"
import { AtelierError, type Engine, type GenerationRequest } from "../../src/request/index.ts"
import { testModel } from "../../test/support/engine.ts"

const PALETTES = [
  ["#f6d9b8", "#e9a178", "#b5655a", "#5a3f57", "#2b2a40"],
  ["#dfe9ee", "#a9c3cf", "#6d93a8", "#3f6477", "#1f3b4a"],
  ["#f3ecd3", "#d9cf95", "#9fae6b", "#5d7f53", "#2d4a3a"],
  ["#e9dff0", "#bfa9d6", "#8a78b8", "#54508c", "#272a54"],
  ["#fbe3d6", "#f2b09a", "#d9786c", "#8c4a5e", "#3b2846"],
]

/** Hills under a sun, by seed. */
export function scene(seed: number, width: number, height: number): string {
  let state = (seed * 2654435761 + 12345) >>> 0
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const colours = PALETTES[Math.floor(random() * PALETTES.length)]!
  const hills = [0.45, 0.6, 0.74, 0.86].map((base, i) => {
    const points = Array.from(
      { length: 9 },
      (_, x) => `${(x / 8) * width},${(base + (random() - 0.5) * 0.2) * height}`,
    )
    return `<path d="M0,${height} L${points.join(" L")} L${width},${height} Z" fill="${colours[i + 1]}"/>`
  })
  const [x, y, r] = [random() * 0.7 + 0.15, random() * 0.25 + 0.12, random() * 0.06 + 0.05]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${colours[0]}"/><circle cx="${x * width}" cy="${y * height}" r="${r * width}" fill="#fff6e0"/>${hills.join("")}</svg>`
}

/** A negative prompt that stops a picture half-way until the server closes. */
export const HOLD = "an end"

/** Prompts with "broken" fail. */
export function paintingEngine(): Engine {
  const steps = 8
  const paint = (r: GenerationRequest, seed: number, scale: number, blur = 0): Promise<Buffer> => {
    const [w, h] = [Math.round(r.width * scale), Math.round(r.height * scale)]
    const image = sharp(Buffer.from(scene(seed, w, h)))
    return (blur ? image.blur(blur) : image).png({ compressionLevel: 1 }).toBuffer()
  }
  return {
    models: async () => [
      { ...testModel, title: "Atelier Medium", defaults: { ...testModel.defaults, steps } },
    ],
    close: async () => {},
    async generate(request, options = {}) {
      const seed = request.seed ?? 0
      for (let step = 1; step <= steps; step++) {
        await after(15)
        if (options.signal?.aborted) throw options.signal.reason
        if (request.prompt.includes("broken") && step === 3)
          throw new AtelierError(
            "out_of_memory",
            "The picture needs 9.1 GB and 7.8 GB are free. Choose a smaller shape or fewer pictures.",
          )
        const previews = options.previewEvery
          ? await Promise.all(
              Array.from({ length: request.count }, (_, i) => paint(request, seed + i, 0.1, 8 - step * 0.8)),
            )
          : undefined
        options.onProgress?.({
          step,
          steps,
          secondsLeft: (steps - step) * 0.6,
          ...(previews ? { previews } : {}),
        })
        if (request.negativePrompt === HOLD && step === 5) {
          await new Promise((_, reject) => {
            options.signal?.addEventListener("abort", () => reject(options.signal!.reason as Error), {
              once: true,
            })
          })
        }
      }
      const pictures = await Promise.all(
        Array.from({ length: request.count }, async (_, index) => ({
          index,
          seed: seed + index,
          width: request.width,
          height: request.height,
          format: "png" as const,
          bytes: await paint(request, seed + index, 1),
        })),
      )
      const added = request.creativity >= 50 ? ", soft morning light, muted palette, wide composition" : ""
      return {
        pictures,
        request: { ...request, seed, steps, guidance: request.guidance ?? 3 },
        expandedPrompts: pictures.map(() => request.prompt + added),
        seconds: { text: 0.2, denoise: 3.4, decode: 0.6, total: 4.2 },
        notes: [],
      }
    },
  }
}
