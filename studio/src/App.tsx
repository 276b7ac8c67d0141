// The page: bar, takes, dock, and whatever is open over them.
import { CloudOff } from "lucide-react"
import { useEffect } from "react"
import { onAgain, onEvent, onFirst, onStep, queries } from "./api/cache.ts"
import { ApiError } from "./api/client.ts"
import { followEvents } from "./api/events.ts"
import { useCapabilities } from "./api/queries.ts"
import { Bar } from "./bar/Bar.tsx"
import { Connection } from "./bar/Connection.tsx"
import { SignIn } from "./bar/SignIn.tsx"
import { Toasts } from "./bar/Toasts.tsx"
import { Dock } from "./dock/Dock.tsx"
import { PROMPT_ID } from "./dock/Prompt.tsx"
import { useKeys } from "./keys/useKeys.ts"
import { useMessages } from "./messages/index.ts"
import { Open, usePreload } from "./Open.tsx"
import { page } from "./state/page.ts"
import { useStore } from "./state/store.ts"
import { Takes } from "./takes/Takes.tsx"
import { Button } from "./ui/Button.tsx"
import { Reason } from "./ui/Reason.tsx"

export function App() {
  const t = useMessages()
  const capabilities = useCapabilities()
  const needsKey = useStore(page, (p) => p.needsKey)
  const isKnown = capabilities.isSuccess
  useEvents(isKnown && !needsKey)
  useKeys()
  usePreload(isKnown && !needsKey)

  if (needsKey) return <SignIn />
  if (!capabilities.data) {
    return (
      <main className="starting">
        <h1 className="visually-hidden">{t.appName}</h1>
        {capabilities.isError &&
        !(capabilities.error instanceof ApiError && capabilities.error.status === 401) ? (
          <Unreachable error={capabilities.error} />
        ) : (
          <span className="visually-hidden">{t.takes.loading}</span>
        )}
      </main>
    )
  }
  return (
    <div className="app">
      <a className="skip" href={`#${PROMPT_ID}`}>
        {t.skip}
      </a>
      <Bar capabilities={capabilities.data} />
      <Connection />
      <main className="stage">
        <Takes capabilities={capabilities.data} />
        <Dock capabilities={capabilities.data} />
      </main>
      <Toasts />
      <Open />
    </div>
  )
}

/** The one event stream, for as long as the page stands. */
function useEvents(isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return
    const stop = new AbortController()
    const onConnection = (connection: "connecting" | "open" | "lost"): void => page.set({ connection })
    const onUnauthorized = (): void => page.set({ needsKey: true })
    const onReturn = (): void => page.set(({ returns }) => ({ returns: returns + 1 }))
    const again = (): void => {
      onAgain()
      onReturn()
    }
    addEventListener("online", onReturn, { signal: stop.signal })
    const handlers = { onEvent, onStep, onFirst, onAgain: again, onConnection, onUnauthorized }
    void followEvents(handlers, stop.signal)
    return () => stop.abort()
  }, [isOn])
}

function Unreachable({ error }: { error: Error }) {
  const { takes, connection } = useMessages()
  useEffect(() => {
    const timer = setInterval(() => void queries.refetchQueries({ queryKey: ["capabilities"] }), 2000)
    return () => clearInterval(timer)
  }, [])
  return (
    <>
      <CloudOff size={24} aria-hidden />
      <div role="alert">
        <Reason error={error} />
      </div>
      <p className="small muted">{connection.lostHint}</p>
      <Button kind="outlined" onPress={() => void queries.refetchQueries({ queryKey: ["capabilities"] })}>
        {takes.tryAgain}
      </Button>
    </>
  )
}
