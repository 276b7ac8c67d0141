// A process of its own for the attention tests: attends with 16,384 queries to as many keys, and prints its peak in KiB.
import { attention, type CompileOptions, input } from "../../src/graph/index.ts"
import { floats, run } from "../support/run.ts"

const [n, size] = [16384, 8]
const x = (name: string) => input(name, ["B", 1, "N", size])
const feed = floats(new Float32Array(n * size), [1, 1, n, size])
const form = process.argv[2] as CompileOptions["attention"]
await run({ out: attention(x("q"), x("k"), x("v")) }, { q: feed, k: feed, v: feed }, { attention: form })
process.stdout.write(`${process.resourceUsage().maxRSS}\n`)
