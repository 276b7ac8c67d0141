// The page in a real browser: making pictures, from the first word to the queue.

import { dock } from "./cases/dock.ts"
import { making } from "./cases/making.ts"
import { masking } from "./cases/masking.ts"
import { queueing } from "./cases/queueing.ts"
import { varying } from "./cases/varying.ts"
import { pageTests } from "./support.ts"

pageTests("making pictures on the page", [making, varying, masking, dock, queueing])
