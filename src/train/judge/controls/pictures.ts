// Pictures on their way into requests and out of generations.
import type { Generation } from "../../../request/engine.ts"
import { type Bitmap, decodeBitmap, encodePng } from "../pixels.ts"

/** A picture as a request may carry it: the cache then knows it by its content. */
export const dataUri = async (b: Bitmap): Promise<string> =>
  `data:image/png;base64,${Buffer.from(await encodePng(b)).toString("base64")}`

/** Whether two generations have the same pixels; files differ, for each holds its own request. */
export async function samePixels(one: Generation, two: Generation): Promise<boolean> {
  const [a, b] = await Promise.all([one, two].map((g) => decodeBitmap(g.pictures[0]!.bytes)))
  return a!.width === b!.width && Buffer.from(a!.rgb).equals(Buffer.from(b!.rgb))
}
