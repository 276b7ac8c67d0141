// The page in a real browser: finding and comparing pictures, with keys, in languages, on phones, and signed in.

import { access } from "./cases/access.ts"
import { comparing } from "./cases/comparing.ts"
import { history } from "./cases/history.ts"
import { keyboard } from "./cases/keyboard.ts"
import { wishes } from "./cases/wishes.ts"
import { pageTests } from "./support.ts"

pageTests("finding pictures on the page", [comparing, history, keyboard, access, wishes])
