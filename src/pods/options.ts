import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import { lazySchema, type Zod } from '../base/schema.ts'
import { type DnsOptions, dnsShape } from '../network/dns-option.ts'
import { type PortsOptions, portsShape } from '../network/ports-option.ts'
import { type NamespaceOptions, namespaceShape } from '../oci/spec/namespaces.ts'
import { type ResourceOptions, resourceShape } from '../oci/spec/resources.ts'
import { defaultShare, type PodNamespace, podNamespaces } from './share.ts'

/** What the containers of a pod may use together. @public */
export interface PodResourceOptions extends Omit<ResourceOptions, 'oomScoreAdj' | 'pidsLimit'> {
  /** How many processes and threads all of them may have together; any number if not given. */
  readonly pidsLimit?: number | undefined
}

/** What a pod is made of: {@link Pods.create}. All is optional. @public */
export interface CreatePodOptions
  extends PodResourceOptions,
    Pick<NamespaceOptions, 'network' | 'hostname'>,
    PortsOptions,
    DnsOptions,
    AbortOptions {
  /** Unique among pods and containers; a readable one is made up if not given. */
  readonly name?: string | undefined
  /** Shown in lists and events, and usable in filters. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** The namespaces that its containers share: `net`, `ipc` and `uts` if not given. */
  readonly share?: readonly PodNamespace[] | undefined
  /** `false`: no infra container, and so nothing that could be shared but the cgroup. */
  readonly infra?: boolean | undefined
  /** The parent of the pod's cgroup: a path (cgroupfs) or a slice (systemd). */
  readonly cgroupParent?: string | undefined
}

/** The options that go with a network: those of the infra container. */
export const ofNetwork = ['network', 'ports', 'dns', 'extraHosts'] as const

const podShape = (z: Zod) => {
  const { oomScoreAdj: _, ...resources } = resourceShape(z)
  const { network, hostname } = namespaceShape(z)
  return {
    ...resources,
    network,
    hostname,
    ...portsShape(z),
    ...dnsShape(z),
    name: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    share: z.array(z.enum(podNamespaces)).optional(),
    infra: z.boolean().optional(),
    cgroupParent: z
      .string()
      .regex(/^[^\0\n]+$/, 'must be a path or a slice')
      .optional(),
    signal: z.instanceof(AbortSignal).optional(),
  }
}

const schema = lazySchema<CreatePodOptions>((z) => z.strictObject(podShape(z)) as never)

/** Checks what the caller asks for, by itself. Rejects with `invalid-argument` and the option's path. */
export async function checkPodOptions(options: CreatePodOptions): Promise<CreatePodOptions> {
  const checked = await schema.parse(options)
  if (checked.name !== undefined) checkName(checked.name)
  if (checked.infra === false) {
    for (const path of [...ofNetwork, 'hostname'] as const) if (checked[path] !== undefined) throw needsInfra(path, checked[path])
    if (checked.share?.length) throw needsInfra('share', checked.share)
  }
  const shares = checked.share ?? defaultShare
  for (const path of ofNetwork) if (checked[path] !== undefined && !shares.includes('net')) throw notShared(path, checked[path], 'net')
  if (checked.hostname !== undefined && !shares.includes('uts')) throw notShared('hostname', checked.hostname, 'uts')
  return checked
}

function needsInfra(path: string, value: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: without an infra container nothing holds what a pod's containers share.`,
    { path, value },
    { hint: `Leave out ${path}, or infra: false.` },
  )
}

function notShared(path: string, value: unknown, namespace: PodNamespace): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: the pod's containers do not share it.`,
    { path, value },
    { hint: `Add ${JSON.stringify(namespace)} to share, or give it to the containers.` },
  )
}
