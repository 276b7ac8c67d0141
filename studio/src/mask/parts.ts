// Points and parts of a mask, in its pixels.
export interface Point {
  x: number
  y: number
}
export interface Part extends Point {
  width: number
  height: number
}

/** The smallest part that holds both. */
export function union(a: Part | null, b: Part): Part {
  if (!a) return b
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)]
  const width = Math.max(a.x + a.width, b.x + b.width) - x
  return { x, y, width, height: Math.max(a.y + a.height, b.y + b.height) - y }
}

/** What lies within `by` of a line. */
export function around(a: Point, b: Point, by: number): Part {
  const [x, y] = [Math.floor(Math.min(a.x, b.x) - by), Math.floor(Math.min(a.y, b.y) - by)]
  const width = Math.ceil(Math.max(a.x, b.x) + by) - x
  return { x, y, width, height: Math.ceil(Math.max(a.y, b.y) + by) - y }
}

/** The part that lies within `whole`; null where none does. */
export function inside(part: Part, whole: Part): Part | null {
  const [x, y] = [Math.max(0, part.x), Math.max(0, part.y)]
  const width = Math.min(whole.width, part.x + part.width) - x
  const height = Math.min(whole.height, part.y + part.height) - y
  return width > 0 && height > 0 ? { x, y, width, height } : null
}
