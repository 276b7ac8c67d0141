// The MCP server: generate, job status and boards as tools, through the client, so that stdio and HTTP are one.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js"
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js"
import { z } from "zod"
import { ASPECTS, CREATIVITY, GenerationRequest, LIMITS, SIZES } from "../request/index.ts"
import { AtelierClient, type RemoteJob } from "../sdk/index.ts"
import { VERSION } from "./native/about.ts"

/** Clients give a call up after 60 s, and would never learn of the job. */
const WAIT_SECONDS = 45

const { variationOf, negativePrompt, start, intensity, complexity, movement } = GenerationRequest.shape
const GenerateInput = {
  prompt: z.string().min(1).max(LIMITS.promptCharacters).describe("What to picture"),
  aspect: z.enum(ASPECTS).default("1:1"),
  creativity: z.enum(["raw", "low", "medium", "high"]).default("medium"),
  seed: z
    .number()
    .int()
    .min(0)
    .max(LIMITS.seed[1])
    .optional()
    .describe("The same seed gives the same picture"),
  count: z.number().int().min(1).max(4).default(1),
  model: z.string().optional(),
  references: z
    .array(z.object({ image: z.string(), weight: z.number().min(-2).max(2).default(0.6) }))
    .max(10)
    .optional()
    .describe("Style references: address, data URI or asset id; negative weights push away"),
  board: z.string().optional().describe("Moodboard by id, name or share code"),
  variationOf,
  negativePrompt,
  start: start.describe(
    "A picture to begin from, and what to paint anew of it: address, data URI or asset id; strength 0 keeps it, 1 ignores it",
  ),
  intensity,
  complexity,
  movement,
  wait: z
    .boolean()
    .default(true)
    .describe(
      `false returns the job at once, and so does a picture that takes longer than ${WAIT_SECONDS} s; ask job_status later`,
    ),
}

const facts = (job: RemoteJob) => ({
  job: job.id,
  state: job.state,
  seed: job.request.seed,
  pictures: job.pictures.map((p) => p.url),
  ...(job.progress ? { step: job.progress.step, steps: job.progress.steps } : {}),
  ...(job.notes.length > 0 ? { notes: job.notes } : {}),
  ...(job.error ? { error: job.error } : {}),
})
const text = (value: object) => ({ type: "text" as const, text: JSON.stringify(value) })

/** A picture small enough for a conversation; the whole file is at its address. */
const PREVIEW_WIDTH = 768

const patience = (closing: AbortSignal | undefined): AbortSignal =>
  AbortSignal.any([AbortSignal.timeout(WAIT_SECONDS * 1000), ...(closing ? [closing] : [])])

/** `closing` ends every waiting. */
function createMcpServer(client: AtelierClient, closing?: AbortSignal): McpServer {
  const server = new McpServer({ name: "atelier", version: VERSION })
  server.registerTool(
    "generate",
    {
      description:
        "Make pictures from a prompt. Returns the pictures and their addresses, or after a while the job that makes them.",
      inputSchema: GenerateInput,
    },
    async (
      { aspect, creativity, seed, model, references, board, wait, ...same },
      { signal, _meta, sendNotification },
    ) => {
      const [width, height] = SIZES[aspect]
      const request = {
        ...same,
        width,
        height,
        creativity: CREATIVITY[creativity],
        ...(seed === undefined ? {} : { seed }),
        ...(model === undefined ? {} : { model }),
        ...(references === undefined ? {} : { references }),
        ...(board === undefined ? {} : { board: { id: board } }),
      }
      const { progressToken } = _meta ?? {}
      let told = 0
      const tell = ({ step, steps }: { step: number; steps: number }): void => {
        // The protocol wants numbers that only rise, which those of a second try would not.
        if (progressToken === undefined || step <= told) return
        told = step
        const params = { progressToken, progress: step, total: steps }
        sendNotification({ method: "notifications/progress", params }).catch(() => {}) // nobody listens any more
      }
      const job = wait
        ? await client.generate(request, { signal, until: patience(closing), onProgress: tell })
        : await client.submit(request)
      const images = await Promise.all(
        job.pictures.map(async (p) => ({
          type: "image" as const,
          mimeType: "image/webp",
          data: Buffer.from(await client.download(p, { format: "webp", width: PREVIEW_WIDTH })).toString(
            "base64",
          ),
        })),
      )
      return { content: [text(facts(job)), ...images] }
    },
  )
  server.registerTool(
    "job_status",
    { description: "State, progress and pictures of a job.", inputSchema: { job: z.uuid() } },
    async ({ job }) => ({ content: [text(facts(await client.job(job)))] }),
  )
  server.registerTool(
    "list_boards",
    { description: "Moodboards that `generate` can use.", inputSchema: {} },
    async () => {
      const { items } = await client.boards()
      return {
        content: [
          text(items.map(({ id, name, code, pictures }) => ({ id, name, code, pictures: pictures.length }))),
        ],
      }
    },
  )
  return server
}

/** `atelier mcp`: serves on stdin and stdout until they close, or `signal` says to stop. */
export async function serveMcpOnStdio({
  signal,
  ...options
}: {
  baseUrl?: string
  key?: string
  signal: AbortSignal
}): Promise<void> {
  const closing = new AbortController()
  const server = createMcpServer(new AtelierClient(options), closing.signal)
  const closed = Promise.withResolvers<void>()
  server.server.onclose = closed.resolve
  await server.connect(new StdioServerTransport())
  // The transport does not look for the end of its input, which is how a client says goodbye.
  const close = (): void => {
    // First: a client that leaves cancels nothing, as one that says so does.
    closing.abort()
    void server.close()
  }
  process.stdin.once("end", close)
  signal.addEventListener("abort", close, { once: true })
  if (signal.aborted) close()
  await closed.promise
  process.stdin.destroy()
}

/** One HTTP exchange at /mcp; without sessions, so that any node of a cluster can answer. */
export async function answerMcp(
  request: Request,
  client: AtelierClient,
  closing: AbortSignal,
): Promise<Response> {
  const server = createMcpServer(client, closing)
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
  await server.connect(transport)
  return transport.handleRequest(request)
}
