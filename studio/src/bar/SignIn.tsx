// Sign-in with a key. The server keeps it in a cookie that no script can read; the page forgets it at once.
import { KeyRound } from "lucide-react"
import { type FormEvent, useState } from "react"
import { ApiError, call } from "../api/client.ts"
import { useMessages } from "../messages/index.ts"
import { reasonOf } from "../messages/reasons.ts"
import { Button } from "../ui/Button.tsx"

export function SignIn() {
  const messages = useMessages()
  const { signIn: t, appName } = messages
  const [key, setKey] = useState("")
  const [problem, setProblem] = useState("")
  const enter = async (e: FormEvent): Promise<void> => {
    e.preventDefault()
    try {
      await call("POST", "api/session", { key: key.trim() })
      location.reload()
    } catch (thrown) {
      const isOther = thrown instanceof ApiError && thrown.status !== 401
      setProblem(isOther ? (reasonOf(thrown, messages) ?? thrown.message) : t.wrong)
    }
  }
  return (
    <main className="sign-in">
      <form onSubmit={(e) => void enter(e)}>
        <KeyRound size={24} aria-hidden />
        <h1>{appName}</h1>
        <p className="muted">{t.line}</p>
        <input
          className="field"
          type="password"
          // biome-ignore lint/a11y/noAutofocus: there is nothing else to do on this page
          autoFocus
          autoComplete="current-password"
          aria-label={t.key}
          placeholder={t.key}
          aria-invalid={problem !== ""}
          aria-describedby="sign-in-word"
          value={key}
          onChange={(e) => {
            setKey(e.target.value)
            setProblem("")
          }}
        />
        <Button kind="primary" type="submit" isDisabled={key.trim() === ""}>
          {t.button}
        </Button>
        <p id="sign-in-word" role="alert" className="small wrong">
          {problem}
        </p>
        <p className="small muted">
          {t.hint} <code>atelier keys add</code>
          <br />
          {t.kept}
        </p>
      </form>
    </main>
  )
}
