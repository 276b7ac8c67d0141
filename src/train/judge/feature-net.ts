// An independent feature network for distances between sets of pictures.
import { FEATURES, openMobilenet, SIDE } from "../../vision/index.ts"
import { type Bitmap, view } from "./pixels.ts"

export interface FeatureNet {
  features: (pictures: readonly Bitmap[]) => Promise<Float32Array[]>
  close: () => Promise<void>
}

/** Opens the network, or gives undefined where its package can neither be found nor installed. */
export async function openFeatureNet(folder: string, threads = 2): Promise<FeatureNet | undefined> {
  const network = await openMobilenet(folder, FEATURES, threads).catch(() => undefined)
  return (
    network && {
      features: async (pictures) => {
        const rows: Float32Array[] = []
        for (const p of pictures) rows.push(await network.run(view(p, SIDE).map((v) => v * 0.5 + 0.5)))
        return rows
      },
      close: () => network.close(),
    }
  )
}
