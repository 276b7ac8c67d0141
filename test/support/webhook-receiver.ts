// Somebody else's server that waits for webhooks.
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"

export async function webhookReceiver(
  onMessage: (body: string, headers: IncomingHttpHeaders) => void,
): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    let text = ""
    request.on("data", (part) => {
      text += part
    })
    request.on("end", () => {
      response.end()
      onMessage(text, request.headers)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/hook`, close: () => server.close() }
}
