import { link, readFile, realpath, unlink, writeFile } from 'node:fs/promises'
import { crypto } from '../base/crypto.ts'
import { LibpodError } from '../base/errors.ts'
import { isErrno } from '../linux/errno.ts'
import { writeFileAtomic } from '../linux/fs/atomic-write.ts'
import { mapFsError } from '../linux/fs/disk.ts'
import { type RootFile, rootFilePath } from './root-file.ts'

/**
 * Pins the root of a run root: the live state, the ends of containers and the duty lie there, and two roots would take each other's. The
 * first of several engines wins. Rejects with `conflict` if it is another root's.
 */
export async function claimRunRoot(runRoot: string, file: RootFile): Promise<void> {
  const path = rootFilePath(runRoot)
  try {
    let text = await readIfThere(path)
    if (text === undefined) {
      if (await pin(path, file)) return
      text = await readFile(path, 'utf8')
    }
    const claimed = rootOf(text)
    // A power cut may tear it, where the run root lies on a disk.
    if (claimed === undefined) return await writeFileAtomic(path, JSON.stringify(file), { mode: 0o600 })
    if (claimed !== file.root && (await realOf(claimed)) !== file.root) throw ofAnother(runRoot, claimed, file.root)
  } catch (error) {
    throw mapFsError(error, path)
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
}

/** The file appears with its content, as what reads it expects; `false` if it is there already. */
async function pin(path: string, file: RootFile): Promise<boolean> {
  const own = `${path}.${crypto().randomUUID()}`
  await writeFile(own, JSON.stringify(file), { mode: 0o600 })
  try {
    await link(own, path)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  } finally {
    await unlink(own)
  }
}

function rootOf(text: string): string | undefined {
  try {
    const { root } = JSON.parse(text) as Partial<RootFile>
    return typeof root === 'string' ? root : undefined
  } catch {
    return undefined
  }
}

async function realOf(root: string): Promise<string> {
  return realpath(root).catch(() => root)
}

function ofAnother(runRoot: string, claimed: string, root: string): LibpodError<'conflict'> {
  return new LibpodError(
    'conflict',
    `The run root ${runRoot} is that of the root ${claimed}, and cannot be that of ${root} as well.`,
    { what: runRoot },
    {
      hint: `Give each root a runRoot of its own. If ${claimed} is not used any more, remove ${runRoot} when none of its containers runs.`,
    },
  )
}
