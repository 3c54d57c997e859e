import { LibpodError } from '../base/errors.ts'
import { type MirrorRule, type RegistriesConf, type RegistryRule, registryRuleFor } from '../config/registries-conf.ts'
import { formatReference, type ImageReference, parseReference } from './reference.ts'

/** Where an image can be asked for. */
export interface Endpoint {
  readonly reference: ImageReference
  readonly insecure: boolean
}

/** Where registries.conf says that an image is: its mirrors first. Throws `permission-denied` for a registry that is blocked. */
export function endpointsOf(reference: ImageReference, conf: RegistriesConf): readonly Endpoint[] {
  const rule = registryRuleFor(conf, formatReference(reference))
  if (rule === undefined) return [{ reference, insecure: false }]
  if (rule.blocked) {
    throw new LibpodError(
      'permission-denied',
      `registries.conf blocks ${rule.prefix}.`,
      { what: formatReference(reference) },
      { hint: 'Ask whoever looks after this machine, or change registries.conf.' },
    )
  }
  const mirrors = rule.mirrors.filter((mirror) => isAskedFor(mirror, reference))
  return [
    ...mirrors.map(({ location, insecure }) => ({ reference: relocate(reference, rule, location), insecure })),
    { reference: rule.location === undefined ? reference : relocate(reference, rule, rule.location), insecure: rule.insecure },
  ]
}

function isAskedFor({ pullFrom }: MirrorRule, { digest }: ImageReference): boolean {
  return pullFrom === 'all' || (digest !== undefined) === (pullFrom === 'digest-only')
}

/** Puts a location in the place of the prefix. */
function relocate(reference: ImageReference, { prefix }: RegistryRule, location: string): ImageReference {
  const text = formatReference(reference)
  // Of `*.example.com`, the whole host is replaced.
  const matched = prefix.startsWith('*.') ? (text.split('/')[0] ?? '') : prefix
  return parseReference(`${location}${text.slice(matched.length)}`, 'location in registries.conf')
}
