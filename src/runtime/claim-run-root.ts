import { realpath } from 'node:fs/promises'
import { LibpodError } from '../base/errors.ts'
import { writeFileAtomic } from '../linux/fs/atomic-write.ts'
import { mapFsError } from '../linux/fs/disk.ts'
import { pinFile } from '../linux/fs/pin-file.ts'
import { type RootFile, rootFilePath } from './root-file.ts'

/**
 * Pins the root of a run root: the live state, the ends of containers and the duty lie there, and two roots would take each other's. The
 * first of several engines wins. Rejects with `conflict` if it is another root's.
 */
export async function claimRunRoot(runRoot: string, file: RootFile): Promise<void> {
  const path = rootFilePath(runRoot)
  try {
    const claimed = rootOf(await pinFile(path, JSON.stringify(file)))
    // A power cut may tear it, where the run root lies on a disk.
    if (claimed === undefined) return await writeFileAtomic(path, JSON.stringify(file), { mode: 0o600 })
    if (claimed !== file.root && (await realOf(claimed)) !== file.root) throw ofAnother(runRoot, claimed, file.root)
  } catch (error) {
    throw mapFsError(error, path)
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
