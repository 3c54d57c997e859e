import { LibpodError } from '../base/errors.ts'
import { readWithin, whyUnreadable } from '../linux/fs/read-within.ts'

/** Far more than anybody writes into a configuration file. */
const maxBytes = 2 ** 20

/** The text of a file that may be missing, unless somebody named it: then `by` says where. */
export async function readText(path: string, by?: string): Promise<string | undefined> {
  try {
    return (await readWithin(path, maxBytes)).toString('utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (by === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    const hint = by === undefined ? 'Make it readable, or remove it.' : `It is named by ${by}.`
    throw new LibpodError('invalid-argument', `${path}: cannot be read (${whyUnreadable(cause)}).`, { path }, { cause, hint })
  }
}
