// A process of its own, for its peak memory: decodes in one piece or in strips and prints by how many KiB its peak rose.

import { vaeConfig } from "../../src/checkpoint/config.ts"
import { openCheckpoint } from "../../src/checkpoint/index.ts"
import { openGraph, Vae } from "../../src/runtime/networks.ts"
import { localRunner } from "../../src/runtime/runner.ts"
import { floats } from "../../src/runtime/session.ts"
import { cover, decodeStrips, type StripVae } from "../../src/runtime/strips.ts"
import { weightFiles } from "../../src/runtime/weights.ts"
import { noise } from "../support/run.ts"

const [path, way] = process.argv.slice(2)
const SIDE = 96
const checkpoint = await openCheckpoint(path!)
const config = vaeConfig(checkpoint, { latentMean: [0, 0, 0, 0], latentDeviation: [1, 1, 1, 1] })
const runner = localRunner({ threads: 1 })
const vae = new Vae(runner, config, checkpoint)
const latent = (side: number) =>
  floats(noise(config.latentChannels * side * side), [1, config.latentChannels, side, side])
const open: StripVae["open"] = (outputs) =>
  openGraph(runner, outputs, weightFiles(checkpoint), { attention: "tiled", layOut: false })
await vae.decode(latent(2)) // what a graph takes by itself
const before = process.resourceUsage().maxRSS
const pixels = { pixels: "picture" }
if (way === "whole") await vae.decode(latent(SIDE), pixels)
else await decodeStrips({ config, layout: vae.layout, open }, latent(SIDE), cover(SIDE, 6), pixels)
process.stdout.write(`${process.resourceUsage().maxRSS - before}\n`)
await runner.close()
