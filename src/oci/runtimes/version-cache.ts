import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { writeFileAtomic } from '../../linux/fs/atomic-write.ts'
import { runProgram } from '../../linux/process/run-program.ts'

interface KnownVersion {
  readonly mtimeMs: number
  readonly size: number
  readonly text: string
}

/** What programs say with `--version`, asked once for each program file and kept in a file on tmpfs. */
export class VersionCache {
  readonly #file: string
  readonly #env: Readonly<Record<string, string>>

  constructor(file: string, env: Readonly<Record<string, string>>) {
    this.#file = file
    this.#env = env
  }

  /** The output of `<path> --version`; `undefined` when the program fails to tell. */
  async ask(path: string, { signal }: AbortOptions = {}): Promise<string | undefined> {
    const { mtimeMs, size } = await stat(path)
    const known = await this.#read()
    const before = known[path]
    if (before?.mtimeMs === mtimeMs && before.size === size) return before.text
    const result = await runProgram({ file: path, args: ['--version'], env: this.#env, timeoutMs: 10_000, ...(signal ? { signal } : {}) })
    if (result.code !== 0) return undefined
    const text = result.stdout.toString('utf8')
    await this.#write({ ...(await this.#read()), [path]: { mtimeMs, size, text } })
    return text
  }

  async #read(): Promise<Readonly<Record<string, KnownVersion>>> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as Record<string, KnownVersion>
    } catch {
      return {}
    }
  }

  /** Only a shortcut: without it the programs are asked again. */
  async #write(known: Readonly<Record<string, KnownVersion>>): Promise<void> {
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 })
      await writeFileAtomic(this.#file, JSON.stringify(known))
    } catch {
      // Said above.
    }
  }
}
