// One function per style word: from the layers of a scene to the painted picture.

import type { Layers, Picture } from "../planes.ts"
import type { Random } from "../random.ts"
import type { Scene } from "../scene.ts"
import { blueprint, chalkboard, neon } from "./glow.ts"
import { duotone, silhouette, sticker } from "./graphic.ts"
import { comicHalftone, outlinedCartoon, pencilSketch } from "./ink.ts"
import type { Style } from "./names.ts"
import { cartoon, flatVector, render3d } from "./native.ts"
import { oilPainting } from "./oil.ts"
import { crossStitch, mosaic, pixelArt } from "./tiles.ts"
import { watercolor } from "./watercolor.ts"

/** A style: reads the layers, draws its own jitter from `r`, measures every length in `l.unit`. */
export type Painter = (l: Layers, r: Random, scene: Scene) => Picture

const PAINTERS: Readonly<Record<Style, Painter>> = {
  "flat vector": flatVector,
  cartoon,
  "3d render": render3d,
  "outlined cartoon": outlinedCartoon,
  silhouette,
  "pixel art": pixelArt,
  "oil painting": oilPainting,
  watercolor,
  "pencil sketch": pencilSketch,
  "comic halftone": comicHalftone,
  neon,
  sticker,
  blueprint,
  mosaic,
  chalkboard,
  duotone,
  "cross stitch": crossStitch,
}

export const applyStyle = (scene: Scene, layers: Layers, r: Random): Picture =>
  PAINTERS[scene.style](layers, r, scene)
