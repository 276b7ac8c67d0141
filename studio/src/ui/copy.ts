// Text to the clipboard, also where the page came over plain HTTP and the browser has no clipboard for it.
import { messages } from "../messages/index.ts"
import { toast } from "../state/page.ts"

/** Whether the text is in the clipboard now; says so when it is not. */
export async function copyText(text: string): Promise<boolean> {
  const isCopied = (await write(text)) || copyByCommand(text)
  if (!isCopied) toast(messages().look.notCopied, { kind: "error" })
  return isCopied
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

/** As if something that is selected were copied; the keyboard stays where it is. */
function copyByCommand(text: string): boolean {
  const copy = (e: ClipboardEvent): void => {
    e.preventDefault()
    e.clipboardData?.setData("text/plain", text)
  }
  const stand = document.createElement("span")
  stand.textContent = "."
  document.body.append(stand)
  getSelection()?.selectAllChildren(stand)
  addEventListener("copy", copy, { once: true })
  const isCopied = document.execCommand("copy")
  removeEventListener("copy", copy)
  stand.remove()
  return isCopied
}
