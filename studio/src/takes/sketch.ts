// Pictures for the starters, painted here: the page brings no pictures of its own along.
const SIZE = 512

/** A warm, flat look as a reference; a lake under a mountain as a start image. */
export async function sketch(kind: "reference" | "start"): Promise<File> {
  const canvas = document.createElement("canvas")
  canvas.width = SIZE
  canvas.height = SIZE
  const c = canvas.getContext("2d")!
  if (kind === "reference") look(c)
  else lake(c)
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"))
  return new File([blob!], `${kind}.png`, { type: "image/png" })
}

function look(c: CanvasRenderingContext2D): void {
  c.fillStyle = "#f3e3c7"
  c.fillRect(0, 0, SIZE, SIZE)
  const colours = ["#d96b43", "#27547d", "#e9b44c", "#12343b", "#c8553d"]
  for (let i = 0; i < 18; i++) {
    c.fillStyle = colours[i % colours.length]!
    c.beginPath()
    c.arc(
      (i * 197) % SIZE,
      (i * 131) % SIZE,
      30 + ((i * 53) % 90),
      (i * Math.PI) / 4,
      (i * Math.PI) / 4 + Math.PI,
    )
    c.fill()
  }
}

function lake(c: CanvasRenderingContext2D): void {
  const sky = c.createLinearGradient(0, 0, 0, SIZE * 0.6)
  sky.addColorStop(0, "#7fa8cf")
  sky.addColorStop(1, "#f2d6b3")
  c.fillStyle = sky
  c.fillRect(0, 0, SIZE, SIZE)
  c.fillStyle = "#5d6b7a"
  c.beginPath()
  for (const [x, y] of [
    [0, 300],
    [150, 120],
    [240, 220],
    [340, 90],
    [512, 300],
  ] as const)
    c.lineTo(x, y)
  c.fill()
  c.fillStyle = "#b5622d"
  c.fillRect(0, 290, SIZE, 40)
  c.fillStyle = "#35586f"
  c.fillRect(0, 330, SIZE, SIZE - 330)
}
