// A canvas that is not on the page.

/** `isRead` for one whose pixels are asked for again and again. */
export function makeCanvas(width: number, height: number, isRead = false): CanvasRenderingContext2D {
  const canvas = Object.assign(document.createElement("canvas"), { width, height })
  return canvas.getContext("2d", { willReadFrequently: isRead })!
}
