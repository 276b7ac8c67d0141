// NOTICE: the authors of the training art, and of what the package brings along of others. Imports the credits.
import { CREDITS } from "./credits.ts"

/** Code, icons and type of others that the built page (studio/dist) holds, by the packages that its sources import. */
const PAGE: readonly {
  readonly packages: readonly string[]
  readonly title: string
  readonly author: string
  readonly licence: "MIT" | "ISC" | "Apache-2.0" | "OFL-1.1"
}[] = [
  {
    packages: ["react", "react-dom"],
    title: "React",
    author: "Copyright (c) Meta Platforms, Inc. and affiliates",
    licence: "MIT",
  },
  {
    packages: ["react-aria-components"],
    title: "React Aria, with Internationalized and React Stately",
    author: "Adobe",
    licence: "Apache-2.0",
  },
  {
    packages: ["@tanstack/react-query", "@tanstack/react-virtual"],
    title: "TanStack Query and Virtual",
    author: "Copyright (c) 2021-present Tanner Linsley",
    licence: "MIT",
  },
  { packages: ["zod"], title: "Zod", author: "Copyright (c) 2025 Colin McDonnell", licence: "MIT" },
  {
    packages: ["lucide-react"],
    title: "Lucide",
    author:
      "Copyright (c) 2026 Lucide Icons and Contributors; icons of Feather Copyright (c) 2013-present Cole Bemis (MIT)",
    licence: "ISC",
  },
  {
    packages: ["@fontsource-variable/inter"],
    title: "Inter",
    author: "Copyright 2016 The Inter Project Authors (https://github.com/rsms/inter)",
    licence: "OFL-1.1",
  },
]

/** The MIT licence asks to be shown, with the copyright, where a work or a part of it is: the word vectors, the page's code. */
const MIT_NOTICE = `MIT licence, of the word vectors (Copyright (c) 2024 GRAYPE Systems Private Limited) and of the page's parts under it:
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice and
this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS
PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT
HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

/** So does the ISC licence, of the page's icons. */
const ISC_NOTICE = `ISC licence, of the page's icons: Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in
all copies. THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE
INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY
SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR
PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH
THE USE OR PERFORMANCE OF THIS SOFTWARE.`

/** WordNet's licence, which like the MIT licence permits every use, asks to be shown on every copy. */
const WORDNET_NOTICE = `WordNet 3.1 Copyright 2011 by Princeton University. All rights reserved. Permission to use, copy, modify and
distribute this software and database and its documentation for any purpose and without fee or royalty is hereby
granted, provided that you agree to comply with the following copyright notice and statements, including the
disclaimer, and that the same appear on ALL copies of the software, database and documentation, including
modifications that you make for internal use or for distribution. THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND
PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR IMPLIED. BY WAY OF EXAMPLE, BUT NOT
LIMITATION, PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANTABILITY OR FITNESS FOR ANY
PARTICULAR PURPOSE OR THAT THE USE OF THE LICENSED SOFTWARE, DATABASE OR DOCUMENTATION WILL NOT INFRINGE ANY THIRD
PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS. The name of Princeton University or Princeton may not be used
in advertising or publicity pertaining to distribution of the software and/or database. Title to copyright in this
software, database and any associated documentation shall at all times remain with Princeton University and LICENSEE
agrees to preserve same.`

/** The text of NOTICE. */
export function noticeText(): string {
  const art = CREDITS.map(
    (c) =>
      `${c.title}\n  by ${c.author}\n  licence: ${c.licence}\n  source: ${c.source} (npm: ${c.package} ${c.version})\n  used as: ${c.use}\n  changes: ${c.changes}`,
  )
  const page = PAGE.map(
    (p) => `${p.title}\n  by ${p.author}\n  licence: ${p.licence}\n  npm: ${p.packages.join(", ")}`,
  )
  return [
    "Atelier\nCopyright the Atelier authors. Licensed under the Apache License, Version 2.0.",
    "The weights of the embedded models (models/) were trained from scratch on the works below, those of the judge's\nclassifier, which are in the repository only, on its own share of them. The works themselves are not part of this\npackage, except for the word vectors and what the thesaurus took from WordNet, named last.",
    ...art,
    "The page in a browser (studio/dist) was built with the works below, and holds parts of them.",
    ...page,
    WORDNET_NOTICE,
    MIT_NOTICE,
    ISC_NOTICE,
    "Licence texts: https://opensource.org/license/mit, https://www.apache.org/licenses/LICENSE-2.0,\nhttps://creativecommons.org/licenses/by/4.0/legalcode,\nhttps://creativecommons.org/licenses/by/3.0/legalcode, https://opensource.org/license/isc-license-txt,\nhttps://creativecommons.org/publicdomain/zero/1.0/legalcode, https://openfontlicense.org",
    "",
  ].join("\n\n")
}
