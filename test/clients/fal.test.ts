// @fal-ai/client (by request middleware and by proxy) and @ai-sdk/fal, with only their address changed.
import assert from "node:assert/strict"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, test } from "node:test"
import { createFal } from "@ai-sdk/fal"
import { type ApiError, createFalClient } from "@fal-ai/client"
import { generateImage } from "ai"
import sharp from "sharp"
import { sweep } from "../../src/jobs/index.ts"
import { AtelierError } from "../../src/request/index.ts"
import { gate, startService, type TestService, until } from "../support/service.ts"

let service: TestService
let client: ReturnType<typeof createFalClient>
const id = "krea/v2/medium/text-to-image"
const folders: Record<string, string> = {
  "queue.fal.run": "/fal/queue",
  "fal.run": "/fal/run",
  "rest.fal.ai": "/fal/rest",
}

/** A client whose requests go to the service instead. */
const clientOf = (credentials: string) =>
  createFalClient({
    credentials,
    requestMiddleware: async (request) => {
      const url = new URL(request.url)
      return { ...request, url: `${service.url}${folders[url.hostname]}${url.pathname}${url.search}` }
    },
  })

/** Where the prompt "dropped" stops. */
const held = gate()
/** Milliseconds that the service's clock is ahead. */
let ahead = 0
before(async () => {
  service = await startService(
    { clock: () => new Date(Date.now() + ahead) },
    { beforeStep: ({ prompt }) => (prompt === "dropped" ? held.wait() : undefined) },
  )
  client = clientOf("any")
})
after(() => {
  held.open() // closed yet after a test that failed
  return service.drop()
})

const picture = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } })
    .png()
    .toBuffer()
const uri = async () => `data:image/png;base64,${(await picture()).toString("base64")}`
type Output = { images: { url: string; width: number; content_type: string }[]; seed: number }

test("fal: run answers with the picture", async () => {
  const { data } = await client.run(id as string, {
    input: { prompt: "a fox", aspect_ratio: "3:2", seed: 3 },
  })
  const output = data as unknown as Output
  assert.equal(output.seed, 3)
  assert.equal(output.images[0]!.content_type, "image/png")
  assert.equal((await fetch(output.images[0]!.url)).status, 200)
  assert.equal(service.engine.seen.at(-1)!.creativity, 50)
})

test("fal: subscribe goes through the queue, with references by image_url", async () => {
  const states: string[] = []
  const image_url = `data:image/png;base64,${(await picture()).toString("base64")}`
  const { data, requestId } = await client.subscribe(id as string, {
    input: { prompt: "a fox", image_style_references: [{ image_url }, { image_url, strength: -2 }] },
    pollInterval: 20,
    onQueueUpdate: (s) => states.push(s.status),
  })
  assert.ok(requestId)
  assert.equal((data as unknown as Output).images.length, 1)
  assert.equal(states.at(-1), "COMPLETED")
  assert.deepEqual(
    service.engine.seen.at(-1)!.references.map((r) => r.weight),
    [1, -2],
  )
})

test("fal: states are streamed until the request is over, and a batch is one request", async () => {
  const states: string[] = []
  const { data } = await client.subscribe(id as string, {
    input: { prompt: "streamed", num_images: 3 },
    mode: "streaming",
    onQueueUpdate: (s) => states.push(s.status),
  })
  assert.equal((data as unknown as Output).images.length, 3)
  assert.equal(states.at(-1), "COMPLETED")
})

test("fal: a queued request can be cancelled once", async () => {
  await service.call("POST", "/api/queue/pause")
  const { request_id: requestId } = await client.queue.submit(id as string, { input: { prompt: "never" } })
  await client.queue.cancel(id, { requestId })
  await assert.rejects(client.queue.cancel(id, { requestId }))
  await service.call("POST", "/api/queue/resume")
  assert.equal((await client.queue.status(id, { requestId })).status, "COMPLETED")
  await assert.rejects(client.queue.result(id, { requestId }))
})

test("fal: a dropped run cancels the job", async () => {
  const controller = new AbortController()
  const asked = client.run(id as string, { input: { prompt: "dropped" }, abortSignal: controller.signal })
  await held.reached
  controller.abort()
  await assert.rejects(asked, { name: "AbortError" })
  const state = async () => (await service.call("GET", "/api/jobs?search=dropped")).body.items[0].state
  await until(async () => (await state()) === "cancelled")
  held.open()
})

test("fal: priority and storage settings are the job's", async () => {
  await service.call("POST", "/api/queue/pause")
  const [low, usual] = [
    await client.queue.submit(id as string, {
      input: { prompt: "a fox" },
      priority: "low",
      storageSettings: { expiresIn: "1h" },
    }),
    await client.queue.submit(id as string, { input: { prompt: "a fox" } }),
  ]
  const job = (requestId: string) => service.service.jobs.get(requestId, null)
  assert.equal((await job(low.request_id)).priority, -10)
  assert.equal((await job(usual.request_id)).priority, 0)
  await service.call("POST", "/api/queue/resume")
  const kept = async (requestId: string): Promise<number | null> => {
    const [picture] = (await service.service.jobs.wait(requestId, null)).pictures
    return picture!.expiresAt && (picture!.expiresAt.getTime() - picture!.createdAt.getTime()) / 1000
  }
  assert.equal(await kept(low.request_id), 3600)
  assert.equal(await kept(usual.request_id), null)
  const { requestId } = await client.run(id as string, {
    input: { prompt: "a fox" },
    storageSettings: { expiresIn: 120 },
  })
  assert.equal(await kept(requestId), 120)
})

test("fal: settings that cannot be read are a 422 that names the header", async () => {
  for (const bad of ["{", '{"expiration_duration_seconds": 0}']) {
    const headers = { "x-fal-object-lifecycle-preference": bad }
    const { status, body } = await service.call("POST", `/fal/run/${id}`, { prompt: "a fox" }, headers)
    assert.equal(status, 422)
    assert.equal(body.detail[0].loc[1], "x-fal-object-lifecycle-preference")
  }
})

test("fal: a request that is not done within its timeout fails as the caller's own timeout", async () => {
  await service.call("POST", "/api/queue/pause")
  const { request_id: requestId } = await client.queue.submit(id as string, {
    input: { prompt: "late" },
    startTimeout: 5,
  })
  ahead += 6000
  await until(async () => (await client.queue.status(id, { requestId })).status === "COMPLETED")
  await assert.rejects(client.queue.result(id, { requestId }), (e: ApiError<unknown>) => e.isUserTimeout)
  await service.call("POST", "/api/queue/resume")
})

test("fal: the timeout is one for the start: a picture that is being made when it passes is finished", async () => {
  const begun = gate()
  const beforeStep = ({ prompt }: { prompt: string }) => (prompt === "begun" ? begun.wait() : undefined)
  let late = 0
  const own = await startService({ clock: () => new Date(Date.now() + late) }, { beforeStep })
  try {
    const headers = { "x-fal-request-timeout": "5" }
    const { body } = await own.call("POST", `/fal/queue/${id}`, { prompt: "begun" }, headers)
    await begun.reached
    late = 6000
    await sweep(own.service.jobs, own.service.blobs)
    begun.open()
    const path = `/fal/queue/krea/v2/requests/${body.request_id}`
    await until(async () => (await own.call("GET", `${path}/status`)).body.status === "COMPLETED")
    assert.equal((await own.call("GET", path)).status, 200)
  } finally {
    begun.open()
    await own.drop()
  }
})

test("fal: what ended for good is not answered with a status that the client tries again", async () => {
  const engine = { beforeStep: ({ prompt }: { prompt: string }) => fail(prompt) }
  const fail = (prompt: string): void => {
    if (prompt === "broken") throw new AtelierError("worker_lost", "The worker is gone.")
  }
  const own = await startService({}, engine)
  try {
    const { status, body } = await own.call("POST", `/fal/run/${id}`, { prompt: "broken" })
    assert.deepEqual([status, body.detail], [500, "Failed after 2 tries: The worker is gone."])
  } finally {
    await own.drop()
  }
})

test("fal: a wrong picture is named by the field and place that the caller wrote", async () => {
  const image_style_references = [{ image_url: await uri() }, { image_url: "data:image/png;base64,AAAA" }]
  const { status, body } = await service.call("POST", `/fal/run/${id}`, {
    prompt: "a fox",
    image_style_references,
  })
  assert.equal(status, 422)
  assert.deepEqual(body.detail[0].loc, ["body", "image_style_references", 1, "image_url"])
})

test("fal: a model that is not there is told as fal tells things", async () => {
  for (const path of ["/fal/run/krea/v2/huge/text-to-image", "/fal/queue/krea/v2/huge/text-to-image"]) {
    const { status, body } = await service.call("POST", path, { prompt: "a fox" })
    assert.equal(status, 404)
    assert.match(body.detail, /^There is no model krea\/v2\/huge\/text-to-image\. Installed: /)
  }
})

test("fal: who hangs up on the proxy hangs up on the call", async () => {
  const own = gate()
  const slow = await startService({}, { beforeStep: () => own.wait() })
  try {
    const caller = new AbortController()
    const call = fetch(`${slow.url}/fal/proxy`, {
      method: "POST",
      headers: { "x-fal-target-url": `https://fal.run/${id}`, "content-type": "application/json" },
      body: JSON.stringify({ prompt: "left" }),
      signal: caller.signal,
    })
    await own.reached
    caller.abort()
    await assert.rejects(call)
    await until(async () => (await slow.call("GET", "/api/jobs")).body.items[0].state === "cancelled")
  } finally {
    own.open()
    await slow.drop()
  }
})

test("fal: an id with the prefix fal-ai goes through the queue, too", async () => {
  const { data, requestId } = await client.subscribe(`fal-ai/${id}` as string, {
    input: { prompt: "a fox" },
    pollInterval: 20,
  })
  assert.equal((data as unknown as Output).images.length, 1)
  await assert.rejects(client.queue.cancel(`fal-ai/${id}`, { requestId }), { status: 400 })
  const { status_url } = (await service.call("POST", `/fal/queue/fal-ai/${id}`, { prompt: "a fox" })).body
  assert.ok((await fetch(status_url)).ok)
})

test("fal: unknown fields are tolerated, and 3:4 is 896x1184", async () => {
  await client.run(id as string, { input: { prompt: "a fox", aspect_ratio: "3:4", steps: 4, loras: [] } })
  const { width, height } = service.engine.seen.at(-1)!
  assert.deepEqual([width, height], [896, 1184])
})

test("fal: a file inside the input is uploaded by the client, and arrives", async () => {
  const image_url = new Blob([new Uint8Array(await picture())], { type: "image/png" })
  await client.run(id as string, {
    input: { prompt: "a fox", image_style_references: [{ image_url, strength: 0.7 }] },
  })
  const [reference] = service.engine.seen.at(-1)!.references
  assert.equal(reference!.weight, 0.7)
  assert.deepEqual(Buffer.from(reference!.image.split(",")[1]!, "base64"), await picture())
})

test("fal: an upload gives an address that is the same picture again", async () => {
  const bytes = await picture()
  const url = await client.storage.upload(new Blob([new Uint8Array(bytes)], { type: "image/png" }))
  assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), bytes)
})

test("fal: the same file put to one address several times at once is there once", async () => {
  const asked = await service.call("POST", "/fal/rest/storage/upload/initiate", {})
  const { upload_url, file_url } = asked.body as { upload_url: string; file_url: string }
  const bytes = await picture()
  const put = async (): Promise<number> =>
    (await fetch(upload_url, { method: "PUT", body: new Uint8Array(bytes) })).status
  assert.deepEqual(await Promise.all([put(), put(), put(), put()]), [200, 200, 200, 200])
  assert.deepEqual(Buffer.from(await (await fetch(file_url)).arrayBuffer()), bytes)
  const { items } = (await service.call("GET", "/api/assets")).body as { items: { id: string }[] }
  assert.equal(items.filter((asset) => file_url.includes(asset.id)).length, 1)
})

test("fal: a wrong field is a 422 with its place", async () => {
  await assert.rejects(client.run(id as string, { input: { prompt: "a fox", aspect_ratio: "7:1" } }), (e) => {
    const error = e as { status: number; body: { detail: { loc: string[] }[] } }
    assert.equal(error.status, 422)
    assert.deepEqual(error.body.detail[0]!.loc, ["body", "aspect_ratio"])
    return true
  })
})

test("fal: an unknown key is a 401 before anything is read", async () => {
  const stranger = clientOf("atl_wrong")
  for (const input of [{ prompt: "a fox" }, { aspect_ratio: "7:1" }])
    await assert.rejects(stranger.run(id as string, { input } as never), { status: 401 })
})

test("fal: a client with proxyUrl needs no other change", async () => {
  const proxied = createFalClient({
    credentials: "any",
    proxyUrl: { url: `${service.url}/fal/proxy`, when: "always" },
  } as never)
  const { data } = await proxied.subscribe(id as string, { input: { prompt: "by proxy" }, pollInterval: 20 })
  assert.equal((data as unknown as Output).images.length, 1)
})

test("fal: the webhook brings the payload", async () => {
  const got = Promise.withResolvers<{ status: string; request_id: string; payload: Output }>()
  const receiver = createServer((request, response) => {
    let text = ""
    request.on("data", (d) => {
      text += d
    })
    request.on("end", () => {
      response.end()
      got.resolve(JSON.parse(text))
    })
  }).listen(0)
  const webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  const { request_id } = await client.queue.submit(id as string, { input: { prompt: "a fox" }, webhookUrl })
  const message = await got.promise
  receiver.close()
  assert.equal(message.status, "OK")
  assert.equal(message.request_id, request_id)
  assert.equal(message.payload.images.length, 1)
})

test("@ai-sdk/fal: pictures through baseURL", async () => {
  const fal = createFal({ apiKey: "any", baseURL: `${service.url}/fal/run` })
  const { images } = await generateImage({ model: fal.image(id), prompt: "a fox", n: 2, aspectRatio: "16:9" })
  assert.equal(images.length, 2)
  assert.equal(service.engine.seen.at(-1)!.width, 1376)
})
