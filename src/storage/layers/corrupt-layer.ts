import { LibpodError } from '../../base/errors.ts'

/** Where in a layer something is wrong. */
export interface LayerPlace {
  /** The entry's name, as far as it is known. */
  readonly name?: Buffer | undefined
  /** Counted in the uncompressed bytes. */
  readonly offset?: number | undefined
}

/** So much of a name is shown: a stranger may have made it as long as a book. */
const longestShown = 200

/** A layer that is damaged, cut off or hostile. */
export function corruptLayer(why: string, { name, offset }: LayerPlace = {}, cause?: unknown): LibpodError<'corrupt'> {
  const entry = name === undefined ? undefined : `the entry ${shownName(name)}`
  const where = [entry, offset === undefined ? undefined : `at byte ${offset}`].filter((part) => part !== undefined).join(' ')
  return new LibpodError(
    'corrupt',
    `The layer is damaged or forged: ${why}${where === '' ? '' : ` (${where})`}.`,
    { what: entry ?? 'layer' },
    { hint: 'Get it again from where it was made.', ...(cause === undefined ? {} : { cause }) },
  )
}

/** A name of a stranger's as messages show it. */
export function shownName(name: Buffer): string {
  const text = name.subarray(0, longestShown).toString()
  return JSON.stringify(name.length > longestShown ? `${text}…` : text)
}
