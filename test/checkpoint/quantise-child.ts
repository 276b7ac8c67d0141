// A process of its own for the conversion tests: `make PATH`, `quantise SOURCE TARGET BITS`, or `stop SOURCE
// TARGET`, which halts for ever in the middle of the work so that it can be killed there.
import { openCheckpoint, quantiseCheckpoint, writeSafetensors } from "../../src/checkpoint/index.ts"

const [task, source = "", target = "", bits] = process.argv.slice(2)

if (task === "make") {
  // Eight BF16 weights of 4096 x 4096 in [1, 1.5): 256 MiB, made from one chunk of 2 MiB.
  const chunk = new Uint8Array(
    Uint16Array.from({ length: 1 << 20 }, (_, i) => 0x3f80 + ((i * 7919) & 63)).buffer,
  )
  const data = function* () {
    for (let i = 0; i < 16; i++) yield chunk
  }
  const entries = Array.from({ length: 8 }, (_, i) => ({
    name: `blocks.${i}.attn.wq.weight`,
    type: "BF16" as const,
    shape: [4096, 4096],
    data,
  }))
  await writeSafetensors(source, entries)
} else {
  const onProgress = () => {
    if (task !== "stop") return
    process.stdout.write("working\n")
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  const format = { bits: bits === "8" ? 8 : 4, blockSize: 32 } as const
  await quantiseCheckpoint(await openCheckpoint(source), target, { ...format, onProgress })
}
process.stdout.write(`${process.resourceUsage().maxRSS}\n`) // KiB
