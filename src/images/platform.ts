import { LibpodError } from '../base/errors.ts'
import type { OCIPlatform } from '../specs/image-spec.ts'

/** What an image runs on. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

const part = /^[a-z0-9_.-]+$/
/** Other words for an architecture, and the variants that say no more than the architecture alone. */
const aliases: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', x86: '386', i386: '386', armhf: 'arm' }
const plainVariants: Readonly<Record<string, string>> = { arm64: 'v8', amd64: 'v1' }

/** Reads `os/architecture[/variant]`, or an architecture alone. */
export function parsePlatform(text: string, path = 'platform'): Platform {
  const parts = typeof text === 'string' ? text.split('/') : []
  const [os = '', architecture = '', variant] = parts.length === 1 ? ['linux', ...parts] : parts
  if (parts.length > 3 || ![os, architecture, variant ?? 'none'].every((item) => part.test(item))) {
    throw new LibpodError(
      'invalid-argument',
      `${path}: ${JSON.stringify(text)} is not a platform.`,
      { path, value: text },
      { hint: 'Write os/architecture, as linux/arm64 or linux/arm/v7.' },
    )
  }
  return simplify({ os, architecture, ...(variant === undefined ? {} : { variant }) })
}

/** The text of a platform. */
export function formatPlatform({ os, architecture, variant }: OCIPlatform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

/** Refuses an image that is for another platform than was asked for, if one was. */
export function checkPlatform(label: string, { os, architecture, variant }: OCIPlatform, wanted: Platform | undefined): void {
  if (wanted === undefined || (os === wanted.os && architecture === wanted.architecture)) return
  const actual = formatPlatform({ os, architecture, variant: variant === '' ? undefined : variant })
  throw new LibpodError(
    'unsupported',
    `${label} has no image for ${formatPlatform(wanted)}.`,
    { what: formatPlatform(wanted) },
    { hint: `It has one for ${actual}, and only that one.` },
  )
}

function simplify({ os, architecture, variant }: OCIPlatform): Platform {
  const known = Object.hasOwn(aliases, architecture) ? (aliases[architecture] ?? architecture) : architecture
  const plain = variant === undefined || variant === '' || plainVariants[known] === variant
  return { os, architecture: known, ...(plain ? {} : { variant }) }
}

/** The best of several for a platform: its own variant, then none, then for arm the next lower one. */
export function choosePlatform<Item extends { readonly platform?: OCIPlatform | undefined }>(
  items: readonly Item[],
  wanted: Platform,
): Item | undefined {
  const { os, architecture, variant } = simplify(wanted)
  const fitting = items.flatMap((item) => {
    const platform = item.platform && simplify(item.platform)
    return platform?.os === os && platform.architecture === architecture ? [{ item, variant: platform.variant }] : []
  })
  const lower = fitting
    .filter((one) => variant !== undefined && one.variant !== undefined && one.variant < variant)
    .sort((a, b) => ((a.variant ?? '') < (b.variant ?? '') ? 1 : -1))
  const found = fitting.find((one) => one.variant === variant) ?? fitting.find((one) => one.variant === undefined) ?? lower[0]
  return found?.item ?? (wanted.variant === undefined && architecture === 'arm' ? fitting.at(-1)?.item : undefined)
}
