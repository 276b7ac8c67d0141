// npm run bench -- soak [pictures]: R15. One server with the embedded model makes picture after picture, of every kind, and
// what it holds is fitted over the pictures: memory and open handles must not grow.
import { rm } from "node:fs/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { createEngine } from "../src/controls/engine.ts"
import { decodeDataUri } from "../src/image/source.ts"
import { AtelierClient } from "../src/index.ts"
import { serve } from "../src/server/index.ts"
import { dataFolder } from "../test/support/folder.ts"

/** Before the fit: networks are loaded, code is compiled, and memory is as large as it becomes. */
const WARM = 100
// What nobody holds any more is no leak, whenever it would have been collected.
setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

/** Pictures between two readings. */
const EVERY = 5

interface Reading {
  pictures: number
  /** Megabytes that the process has in memory. */
  resident: number
  /** Sockets, files, timers and threads that are open. */
  handles: number
}

/** Least squares: what one more picture adds. */
function slope(readings: readonly Reading[], of: (reading: Reading) => number): number {
  const mean = (value: (r: Reading) => number): number =>
    readings.reduce((sum, r) => sum + value(r), 0) / readings.length
  const [x, y] = [mean((r) => r.pictures), mean(of)]
  const both = readings.reduce((sum, r) => sum + (r.pictures - x) * (of(r) - y), 0)
  return both / readings.reduce((sum, r) => sum + (r.pictures - x) ** 2, 0)
}

export async function main([given = "200"]: string[]): Promise<void> {
  const pictures = Number(given)
  const directory = await dataFolder()
  const engine = createEngine({ readImage: async (source, field) => decodeDataUri(source, field) })
  const running = await serve({ directory, port: 0, logLevel: "silent" }, engine)
  const client = new AtelierClient({ baseUrl: running.url })
  const readings: Reading[] = []
  let look = ""
  const began = performance.now()
  try {
    for (let n = 0; n < WARM + pictures; n++) {
      const kinds = [
        {},
        { intensity: 60 },
        ...(look
          ? [{ references: [{ image: look, weight: 1 }] }, { start: { image: look, strength: 0.6 } }]
          : []),
      ]
      const job = await client.generate({ prompt: "a fox in the snow", seed: n, ...kinds[n % kinds.length] })
      const bytes = await client.download(job.pictures[0]!, { format: "png" })
      if (n === 0) look = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`
      if (n >= WARM && n % EVERY === 0) {
        collectGarbage()
        readings.push({
          pictures: n - WARM,
          resident: process.memoryUsage().rss / 2 ** 20,
          handles: process.getActiveResourcesInfo().length,
        })
      }
    }
  } finally {
    await running.close()
    await engine.close()
    await rm(directory, { recursive: true, force: true })
  }
  const [first, last] = [readings[0]!, readings.at(-1)!]
  const figures = {
    n: pictures,
    resident_first_mb: first.resident.toFixed(0),
    resident_last_mb: last.resident.toFixed(0),
    resident_mb_per_100: (100 * slope(readings, (r) => r.resident)).toFixed(1),
    handles_first: first.handles,
    handles_last: last.handles,
    seconds: ((performance.now() - began) / 1000).toFixed(0),
  }
  console.log(
    `figure=R15-soak ${Object.entries(figures)
      .map(([k, v]) => `${k}=${v}`)
      .join(" ")}`,
  )
}
