// The worker process: results, errors, death, and an event loop that keeps turning meanwhile.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { test } from "node:test"
import { promisify } from "node:util"
import { compile, input, matmul, mul, type Tensor } from "../../src/graph/index.ts"
import { AtelierError } from "../../src/request/errors.ts"
import { floats } from "../../src/runtime/session.ts"
import { startWorker } from "../../src/runtime/worker.ts"

const doubled = compile({ y: mul(input("x", ["n"]), 2) })

/** A graph that keeps a core busy: a chain of products of 512 x 512 matrices. */
function heavy(products: number): Uint8Array {
  const x = input("x", [512, 512])
  let y: Tensor = x
  for (let i = 0; i < products; i++) y = matmul(y, x)
  return compile({ y }).model
}

test("a worker runs graphs, and closes them", async () => {
  const worker = await startWorker({ threads: 1 })
  const graph = await worker.open({ model: doubled.model })
  const { y } = await graph.run({ x: floats([1, 2.5]) })
  assert.deepEqual([...(y!.data as Float32Array)], [2, 5])
  assert.deepEqual(y!.shape, [2])
  await graph.close()
  await assert.rejects(graph.run({ x: floats([1]) }), { code: "internal" })
  assert.ok((await worker.memory()) > 1e6)
  await worker.close()
  assert.equal(worker.alive, false)
})

test("a worker's memory comes in large pages, unless the user has set its allocator", {
  skip: process.platform === "linux" ? false : "only Linux has glibc",
}, async () => {
  const tunables = (pid: number): string[] =>
    readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .filter((variable) => variable.startsWith("GLIBC_TUNABLES="))
  const before = process.env.GLIBC_TUNABLES
  try {
    delete process.env.GLIBC_TUNABLES
    const ours = await startWorker({ threads: 1 })
    assert.match(tunables(ours.pid)[0]!, /glibc\.malloc\.hugetlb=1/)
    await ours.close()
    process.env.GLIBC_TUNABLES = "glibc.malloc.hugetlb=0"
    const theirs = await startWorker({ threads: 1 })
    assert.deepEqual(tunables(theirs.pid), ["GLIBC_TUNABLES=glibc.malloc.hugetlb=0"])
    await theirs.close()
  } finally {
    if (before === undefined) delete process.env.GLIBC_TUNABLES
    else process.env.GLIBC_TUNABLES = before
  }
})

test("pictures come back as clamped bytes", async () => {
  const worker = await startWorker({ threads: 1 })
  const graph = await worker.open({ model: compile({ y: mul(input("x", [1, 3, 1, 2]), 1) }).model })
  const x = floats([-2, 1, 0, -1, 3, 0.5], [1, 3, 1, 2])
  const { y } = await graph.run({ x }, { pixels: "y" })
  assert.deepEqual(y!.shape, [1, 1, 2, 3])
  assert.deepEqual([...(y!.data as Uint8Array)], [0, 128, 255, 255, 0, 191])
  await worker.close()
})

test("a graph that cannot be loaded is an error, and the worker lives on", async () => {
  const worker = await startWorker({ threads: 1 })
  await assert.rejects(worker.open({ model: new Uint8Array([1, 2, 3]) }), { name: "AtelierError" })
  const graph = await worker.open({ model: doubled.model })
  assert.deepEqual([...((await graph.run({ x: floats([4]) })).y!.data as Float32Array)], [8])
  await worker.close()
})

test("a worker that dies rejects what is pending and what comes after", async () => {
  const worker = await startWorker({ threads: 1 })
  const graph = await worker.open({ model: heavy(400) })
  const pending = graph.run({ x: floats(new Float32Array(512 * 512).fill(1 / 512), [512, 512]) })
  process.kill(worker.pid, "SIGKILL")
  for (const work of [pending, worker.memory()])
    await assert.rejects(work, (error) => {
      assert.ok(error instanceof AtelierError)
      assert.equal(error.code, "worker_lost")
      assert.equal(error.details!.pid, worker.pid)
      assert.match(error.message, /^The worker process \d+ was killed \(SIGKILL: /)
      return true
    })
  await graph.close()
})

test("a program that closes its worker goes on, though an answer of it is still on its way", async () => {
  // The answer lies in the pipe before the worker is told to end, and is read after.
  const program = `
    import { startWorker } from ${JSON.stringify(new URL("../../src/runtime/worker.ts", import.meta.url).href)}
    const worker = await startWorker({ threads: 1 })
    worker.memory().catch(() => {})
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    await worker.close()
    console.log("closed")`
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program])
  assert.equal(stdout, "closed\n")
})

test("the event loop keeps turning while a graph runs", async () => {
  const worker = await startWorker({ threads: 1 })
  const graph = await worker.open({ model: heavy(300) })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const begin = performance.now()
  await graph.run({ x: floats(new Float32Array(512 * 512).fill(1 / 512), [512, 512]) })
  const seconds = (performance.now() - begin) / 1000
  delay.disable()
  await worker.close()
  // On a machine that is busy with other work any process may be kept waiting; the median is ours alone.
  assert.ok(delay.percentile(50) / 1e6 < 20, `median ${delay.percentile(50) / 1e6} ms over ${seconds} s`)
  assert.ok(delay.max / 1e9 < seconds / 2, `the loop stood still for ${delay.max / 1e9} of ${seconds} s`)
})
