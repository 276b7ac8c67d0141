// The expander that asks a chat endpoint, against a real local server that behaves well and badly.
import assert from "node:assert/strict"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { createExpander, type Expansion, expandPrompt } from "../../src/controls/creativity/index.ts"
import type { Note } from "../../src/request/index.ts"

type Handler = (body: string, request: IncomingMessage, response: ServerResponse) => void

/** Serves `handle` while `use` runs. */
async function serving<T>(handle: Handler, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (part) => {
      body += part
    })
    request.on("end", () => handle(body, request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const answer = (content: string | null, more: object = {}): Handler => {
  const choice = { message: { role: "assistant", content, ...more }, finish_reason: "stop" }
  return (_, __, response) => response.end(JSON.stringify({ choices: [choice] }))
}

const ask = (
  handle: Handler,
  prompt: string,
  { hasLook, ...more }: { timeout?: number; key?: string; hasLook?: true } = {},
): Promise<Expansion> =>
  serving(handle, (url) =>
    createExpander({ list: "open", chat: { url, model: "test", timeout: 5000, ...more } })({
      prompt,
      creativity: 60,
      seed: 7,
      ...(hasLook && { hasLook }),
    }),
  )

test("a good answer is taken, with its additions by aspect", async () => {
  let seen = {
    path: "",
    key: "",
    body: {} as { model: string; seed: number; messages: { content: string }[] },
  }
  const good = answer("a red fox in the snow, soft morning light, oil painting")
  const expansion = await ask(
    (body, request, response) => {
      seen = { path: request.url!, key: request.headers.authorization!, body: JSON.parse(body) }
      good(body, request, response)
    },
    "a red fox in the snow",
    { key: "secret" },
  )
  assert.equal(expansion.prompt, "a red fox in the snow, soft morning light, oil painting")
  assert.deepEqual(expansion.additions, [
    { text: "soft morning light", aspect: "light" },
    { text: "oil painting", aspect: "style" },
  ])
  assert.equal(expansion.notes, undefined)
  assert.equal(seen.path, "/v1/chat/completions")
  assert.equal(seen.key, "Bearer secret")
  assert.equal(seen.body.seed, 7)
  assert.match(seen.body.messages[1]!.content, /Creativity: 60\nPrompt: a red fox in the snow/)
})

test("where a picture gives the style the endpoint is told so, and an answer that adds one is not taken", async () => {
  let told = ""
  const adding = answer("a red fox, oil painting")
  const { prompt, additions, notes } = await ask(
    (body, request, response) => {
      told = (JSON.parse(body) as { messages: { content: string }[] }).messages[1]!.content
      adding(body, request, response)
    },
    "a red fox",
    { hasLook: true },
  )
  assert.match(told, /Style: given by a picture/)
  assert.match(notes![0]!.message, /adds a style beside the reference's/)
  assert.doesNotMatch(prompt, /oil painting/)
  assert.ok(additions.every(({ aspect }) => aspect !== "style"))
})

test("quotation marks and fences around the answer are taken off", async () => {
  const expansion = await ask(answer('```\n"a fox, woodcut"\n```'), "a fox")
  assert.equal(expansion.prompt, "a fox, woodcut")
})

test("a long prompt has room in the answer", async () => {
  const prompt = `a fox ${"in the extraordinarily deep snow ".repeat(60).trim()}`
  const expansion = await ask((body, request, response) => {
    assert.ok((JSON.parse(body) as { max_tokens: number }).max_tokens >= prompt.length)
    answer(`${prompt}, woodcut`)(body, request, response)
  }, prompt)
  assert.equal(expansion.prompt, `${prompt}, woodcut`)
})

test("where the model reads few words the endpoint is told how many, and an answer beyond them is not taken", async () => {
  const told: string[] = []
  const talking = answer(
    "an oil painting of one splendid, quite magnificent and very old castle under a wide sky beside a fox",
  )
  await serving(
    (body, request, response) => {
      told.push((JSON.parse(body) as { messages: { content: string }[] }).messages[1]!.content)
      talking(body, request, response)
    },
    async (url) => {
      const expand = createExpander({ list: "embedded", chat: { url, model: "test" } })
      const asked = { prompt: "a fox", creativity: 50, seed: 1 }
      const { prompt, notes } = await expand(asked)
      assert.equal(prompt, expandPrompt(asked).prompt)
      assert.match(notes![0]!.message, /its answer has 1 more word than the model reads/)
      assert.match(told[0]!, /^Words to add: at most 14\n/)
      const full = { ...asked, prompt: "fox ".repeat(15).trim() }
      assert.equal((await expand(full)).prompt, full.prompt)
      assert.equal(told.length, 1)
    },
  )
})

test("an endpoint is told of the negative prompt, and an answer that adds what it names is not taken", async () => {
  let told = ""
  const adding = answer("a fox among old trees, oil painting")
  await serving(
    (body, request, response) => {
      told = (JSON.parse(body) as { messages: { content: string }[] }).messages[1]!.content
      adding(body, request, response)
    },
    async (url) => {
      const expand = createExpander({ list: "open", chat: { url, model: "test" } })
      const { notes } = await expand({ prompt: "a fox", creativity: 50, seed: 1, avoid: "tree, blurry" })
      assert.match(notes![0]!.message, /added "trees", which was denied/)
      assert.match(told, /\nNever add: tree, blurry\nPrompt: a fox$/)
    },
  )
})

test("thoughts before the answer are left out", async () => {
  const expansion = await ask(answer("<think>\nA fox. Perhaps a dog?\n</think>\n\na fox, woodcut"), "a fox")
  assert.equal(expansion.prompt, "a fox, woodcut")
  assert.equal(expansion.notes, undefined)
})

test("a prompt of another language is expanded by an endpoint that keeps its words", async () => {
  const expansion = await ask(answer("雪中的红狐狸, oil painting"), "雪中的红狐狸")
  assert.equal(expansion.prompt, "雪中的红狐狸, oil painting")
})

const BAD: [string, string, Handler, RegExp][] = [
  ["a refusal in words", "a fox", answer("I'm sorry, I can't help with that."), /it refused/],
  ["a refusal in the protocol", "a fox", answer(null, { refusal: "no" }), /it refused/],
  ["a lost word", "a red fox", answer("a fox in the snow, oil painting"), /lost the word "red"/],
  [
    "words in another order",
    "a cat left of a dog",
    answer("a dog left of a cat, oil painting"),
    /lost the word/,
  ],
  ["a lost quotation", 'a sign "Hi  there"', answer('a sign "Hi there", oil painting'), /lost the quoted/],
  ["a second colour", "a red fox", answer("a red fox with blue eyes"), /added "blue"/],
  ["a second style", "a watercolor fox", answer("a watercolor fox, photograph"), /added "photograph"/],
  ["a second setting", "a fox in the forest", answer("a fox in the forest on the beach"), /added "beach"/],
  ["what was denied", "a fox, no trees", answer("a fox, no trees, a few old trees behind"), /was denied/],
  [
    "a dropped denial",
    "a fox without a hat",
    answer("a fox with a hat, oil painting"),
    /lost the word "without"/,
  ],
  ["another preposition", "a fox on a bed", answer("a fox under a bed, oil painting"), /lost the word "on"/],
  ["a lost sign", "a 🦊 and a dog", answer("a cat and a dog, oil painting"), /lost the word "🦊"/],
  ["a denied plural", "a fox, no leaves", answer("a fox, no leaves, one red leaf"), /which was denied/],
  ["a typographic refusal", "a fox", answer("I’m sorry, a fox is not possible."), /it refused/],
  ["a polite refusal", "a fox", answer("I won’t draw a fox."), /it refused/],
  [
    "talk around the prompt",
    "a fox",
    answer("Sure! Here it is: a fox, oil painting"),
    /not the prompt alone/,
  ],
  ["Markdown", "a fox", answer("**a fox**, oil painting"), /not the prompt alone/],
  ["JSON", "a fox", answer('{"prompt": "a fox, oil painting"}'), /not the prompt alone/],
  ["thoughts without an end", "a fox", answer("<think> a fox, so"), /not the prompt alone/],
  [
    "an answer that was cut off",
    "a fox",
    (_, __, r) =>
      r.end(JSON.stringify({ choices: [{ message: { content: "a fox in" }, finish_reason: "length" }] })),
    /was cut off/,
  ],
  ["a novel", "a fox", answer(`a fox ${"and so on ".repeat(300)}`), /too long/],
  ["nothing", "a fox", answer("  "), /was empty/],
  ["control characters", "a fox", answer("a fox \u0000\u0007"), /was not text/],
  ["an answer that is no chat", "a fox", (_, __, r) => r.end('{"hello":1}'), /not that of a chat endpoint/],
  ["an answer that is no JSON", "a fox", (_, __, r) => r.end("<html>"), /not that of a chat endpoint/],
  ["an error", "a fox", (_, __, r) => r.writeHead(500).end(), /it answered 500/],
  [
    "a redirect",
    "a fox",
    (_, __, r) => r.writeHead(302, { location: "/elsewhere" }).end(),
    /could not be reached/,
  ],
  ["a connection that breaks", "a fox", (_, __, r) => r.destroy(), /could not be reached/],
  [
    "a connection that breaks in the middle of the answer",
    "a fox",
    (_, __, r) => r.writeHead(200).write('{"choices":', () => r.destroy()),
    /could not be reached/,
  ],
  ["an endless answer", "a fox", (_, __, r) => r.end("x".repeat(300_000)), /too long/],
]

for (const [name, prompt, handle, why] of BAD)
  test(`${name} falls back to the built-in expander and says so`, async () => {
    const expansion = await ask(handle, prompt)
    const request = { prompt, creativity: 60, seed: 7 }
    const own = await createExpander({ list: "open" })(request)
    assert.equal(expansion.prompt, own.prompt)
    assert.deepEqual(expansion.additions, own.additions)
    assert.match(expansion.notes![0]!.message, why)
    assert.match(
      expansion.notes![0]!.message,
      /^The prompt expander at 127\.0\.0\.1:\d+ was not used: .*; the built-in one took its place\./,
    )
  })

test("the note of a fall-back has a code and the values of its sentence", async () => {
  const { notes } = await ask(answer("ein roter Fuchs, rotes Fell"), "ein roter Fuchs im Schnee")
  const [replaced, unread] = notes!
  assert.equal(replaced!.code, "expander_replaced")
  const { host, ...fault } = (replaced as Extract<Note, { code: "expander_replaced" }>).details
  assert.match(host, /^127\.0\.0\.1:\d+$/)
  assert.deepEqual(fault, { reason: "lost_word", word: "im" })
  assert.equal(unread!.code, "prompt_unread")
})

test("an endpoint that never answers is given up after the time-out", async () => {
  const expansion = await ask(() => {}, "a fox", { timeout: 30 })
  assert.match(expansion.notes![0]!.message, /no answer came within 0.03 s/)
})

test("an endpoint that stops in the middle of its answer is given up too", async () => {
  const expansion = await ask((_, __, r) => r.write('{"choices":'), "a fox", { timeout: 60 })
  assert.match(expansion.notes![0]!.message, /no answer came within 0.06 s/)
})

test("who is cancelled waits no longer, and whoever asked for the same is still answered", async () => {
  const stop = new AbortController()
  const held: ServerResponse[] = []
  const asked = { prompt: "a fox", creativity: 50, seed: 1 }
  await serving(
    (body, request, response) => {
      if (held.push(response) === 1) stop.abort()
      else answer("a fox, woodcut")(body, request, response)
    },
    async (url) => {
      const expand = createExpander({ chat: { url, model: "test" } })
      const [first, second] = await Promise.allSettled([expand(asked, stop.signal), expand(asked)])
      assert.equal(first.status, "rejected")
      assert.equal(second.status === "fulfilled" && second.value.prompt, "a fox, woodcut")
      assert.equal(held.length, 2)
    },
  )
})

test("raw and empty prompts never leave the machine, and the same request is asked once", async () => {
  let asked = 0
  const good = answer("a fox, oil painting")
  await serving(
    (...args) => {
      asked++
      good(...args)
    },
    async (url) => {
      const expand = createExpander({ chat: { url, model: "test" } })
      assert.equal((await expand({ prompt: " a fox ", creativity: 0, seed: 1 })).prompt, " a fox ")
      await expand({ prompt: " ", creativity: 50, seed: 1 })
      assert.equal(asked, 0)
      await expand({ prompt: "a fox", creativity: 50, seed: 1 })
      await expand({ prompt: "a fox", creativity: 50, seed: 1 })
      assert.equal(asked, 1)
    },
  )
})

test("an address that is none falls back as well", async () => {
  const expand = createExpander({ chat: { url: "not an address", model: "test" } })
  const expansion = await expand({ prompt: "a fox", creativity: 50, seed: 1 })
  assert.equal(expansion.prompt, expandPrompt({ prompt: "a fox", creativity: 50, seed: 1 }).prompt)
  assert.match(expansion.notes![0]!.message, /could not be reached/)
})
