import { describe, expect, it } from 'vitest'
import { parseSourceFile, type SourceFile } from './files.ts'
import { checkCycles, checkRanks } from './ranks.ts'
import { checkRules } from './rules.ts'

const files = (texts: Readonly<Record<string, string>>): SourceFile[] =>
  Object.entries(texts).map(([path, text]) => parseSourceFile(path, text))
const places = (problems: readonly { path: string; line: number }[]): string[] => problems.map(({ path, line }) => `${path}:${line}`)

describe('ranks', () => {
  it('lets imports go down, and stay in their room', () => {
    const problems = checkRanks(
      files({
        'src/containers/create/create.ts':
          "import { a } from '../../oci/spec/user.ts'\nimport { b } from '../status.ts'\nimport 'node:fs'\n",
        'src/index.ts': "export { Runtime } from './runtime/runtime.ts'\n",
      }),
    )
    expect(problems).toEqual([])
  })

  it('finds imports that go up or sideways, whichever way they are written', () => {
    const problems = checkRanks(
      files({
        'src/storage/a.ts':
          "\nimport { x } from '../images/x.ts'\nimport type { y } from '../oci/y.ts'\nexport { z } from '../logs/z.ts'\n",
        'src/state/b.ts': "const lazy = () => import('../config/c.ts')\ntype T = import('../runtime/options.ts').T\n",
        'src/base/c.ts': "import { Runtime } from '../index.ts'\nimport p from '../../package.json'\n",
      }),
    )
    expect(places(problems)).toEqual([
      'src/storage/a.ts:2',
      'src/storage/a.ts:3',
      'src/storage/a.ts:4',
      'src/state/b.ts:1',
      'src/state/b.ts:2',
      'src/base/c.ts:1',
      'src/base/c.ts:2',
    ])
    expect(problems[0]?.message).toContain('images (rank 5) is above storage (rank 4)')
    expect(problems[1]?.message).toContain('must not see each other')
  })

  it('wants a rank for every room, and lets tests see everything', () => {
    const problems = checkRanks(files({ 'src/attic/a.ts': '', 'src/base/a.test.ts': "import { Runtime } from '../index.ts'\n" }))
    expect(places(problems)).toEqual(['src/attic/a.ts:1'])
  })

  it('finds circles once', () => {
    const problems = checkCycles(
      files({
        'src/base/a.ts': "import { b } from './b.ts'\n",
        'src/base/b.ts': "import { c } from './c.ts'\n",
        'src/base/c.ts': "\nimport { a } from './a.ts'\n",
        'src/base/d.ts': "import { a } from './a.ts'\nimport { c } from './c.ts'\n",
      }),
    )
    expect(places(problems)).toEqual(['src/base/c.ts:2'])
    expect(problems[0]?.message).toContain('src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts')
  })
})

describe('rules', () => {
  const found = (path: string, text: string): string[] =>
    checkRules(parseSourceFile(path, text)).map(({ line, message }) => `${line}: ${message}`)

  it('keeps the host application untouched', () => {
    expect(found('src/oci/a.ts', 'const home = process.env\n')).toEqual(['1: reads process.env; src/config does that'])
    expect(found('src/oci/a.ts', 'process.umask(0)\n')).toHaveLength(1)
    expect(found('src/config/environment.ts', 'const home = process.env\n')).toEqual([])
    expect(found('src/runtime/helper-main.ts', 'const home = process.env\n')).toEqual([])
    expect(found('src/oci/a.ts', '// never process.env here\n')).toEqual([])
  })

  it('loads dependencies at first use, in one place', () => {
    expect(found('src/base/zod.ts', "export { string } from 'zod'\n")).toEqual([])
    expect(found('src/base/schema.ts', "import { string } from './zod.ts'\n")).toHaveLength(1)
    expect(found('src/linux/a.ts', "import { z } from 'zod'\n")).toHaveLength(2)
    expect(found('src/linux/a.ts', "import type { IKoffiLib } from 'koffi'\n")).toHaveLength(1)
    expect(
      found('src/linux/native/koffi.ts', "import type k from 'koffi'\nconst koffi = createRequire(import.meta.url)('koffi')\n"),
    ).toEqual([])
    expect(found('src/state/stores/lmdb.ts', "import { open } from 'lmdb'\n")).toEqual([])
    expect(found('src/runtime/a.ts', "import { openLmdbStore } from '../state/stores/lmdb.ts'\n")).toHaveLength(1)
    expect(found('src/images/a.ts', "import { createHash } from 'node:crypto'\n")).toHaveLength(2)
    expect(found('src/images/a.ts', "import type { Hash } from 'node:crypto'\n")).toEqual([])
    expect(found('src/images/a.ts', "const tar = await import('tar-stream')\n")).toEqual([])
    expect(found('src/images/a.ts', "import { type Pack, pack } from 'tar-stream'\n")).toHaveLength(1)
  })

  it('wants lists of names, short files and finished work', () => {
    expect(found('src/index.ts', "export * from './base/errors.ts'\n")).toHaveLength(1)
    expect(found('src/base/a.ts', '\n'.repeat(401))).toHaveLength(1)
    expect(found('src/linux/native/libc.ts', '\n'.repeat(401))).toEqual([])
    expect(found('test/a.test.ts', `// ${'TO'}DO\n`)).toHaveLength(1)
  })
})
