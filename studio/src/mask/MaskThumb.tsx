// The mask over a thumbnail of its picture.
import { useEffect, useRef } from "react"
import { makeCanvas } from "./canvas.ts"
import { drawOver } from "./overlay.ts"
import { loadPicture, readMask } from "./read.ts"

export function MaskThumb({ mask }: { mask: string }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    let isShown = true
    const draw = (image: HTMLImageElement): void => {
      const shown = canvas.current?.getContext("2d")
      if (!isShown || !shown) return
      const scale = 160 / Math.max(image.naturalWidth, image.naturalHeight)
      const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale].map(Math.ceil)
      Object.assign(shown.canvas, { width, height })
      const over = { shown, scratch: makeCanvas(width!, height!), line: 1.5 }
      drawOver(over, readMask(image, width!, height!).canvas, { x: 0, y: 0, width: width!, height: height! })
    }
    // The picture alone, where the mask is gone.
    loadPicture(mask).then(draw, () => {})
    return () => {
      isShown = false
    }
  }, [mask])
  return <canvas ref={canvas} className="mask-thumb" aria-hidden />
}
