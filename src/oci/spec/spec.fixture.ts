import { lazySchema } from '../../base/schema.ts'
import { defaultContainersConf } from '../../config/containers-conf.ts'
import { capabilityNames } from '../../linux/capabilities.ts'
import type { GeneratedSpec, SpecInput } from './generate.ts'
import { generateSpec } from './generate.ts'
import type { SpecHost } from './spec-host.ts'
import { type NormalizedSpecOptions, normalizeSpecOptions, type SpecOptions, specOptionsShape } from './spec-options.ts'

/** A host that has everything, for tests of what is made for it. */
export function someHost(changes: Partial<SpecHost> = {}): SpecHost {
  const profile = { path: '/seccomp.json', resolve: () => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] }) }
  return {
    arch: 'amd64',
    kernel: '6.1.0',
    hostname: 'somehost',
    memoryTotalBytes: 2 ** 33,
    rootless: false,
    hasMessageQueues: true,
    cgroupVersion: 2,
    systemdCgroup: false,
    swapLimit: true,
    boundingCapabilities: capabilityNames,
    canRaiseLimits: true,
    rlimits: new Map([
      ['RLIMIT_NOFILE', { soft: 1024, hard: 20_000 }],
      ['RLIMIT_NPROC', { soft: 5000, hard: 5000 }],
      ['RLIMIT_CORE', { soft: 0, hard: Number.POSITIVE_INFINITY }],
    ]),
    openFilesMax: 1_048_576,
    oomScoreAdj: 0,
    selinux: false,
    seccomp: profile,
    seccompProfiles: { load: async (path = profile.path) => ({ ...profile, path }) },
    initPath: '/usr/bin/catatonit',
    proxies: {},
    defaults: defaultContainersConf.containers,
    ...changes,
  }
}

export const someId = 'f00dfeed'.repeat(8)

export const someAccounts = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nnohome:x:1002:1002:::\n7:x:1007:1007::/seven:\n',
  group: 'root:x:0:root\nwheel:x:10:root,app\napps:x:1001:\nextra:x:2000:other, app\n',
}

const schema = lazySchema<SpecOptions>((z) => z.strictObject(specOptionsShape(z)) as never)

/** Options as `create` treats them: checked, then completed. */
export async function normalized(
  options: SpecOptions,
  host = someHost(),
  image?: Parameters<typeof normalizeSpecOptions>[1]['image'],
): Promise<NormalizedSpecOptions> {
  const checked = await schema.parse({ command: ['true'], ...options })
  return normalizeSpecOptions(checked, { id: someId, host, ...(image ? { image } : {}) })
}

/** What becomes of some options. */
export async function generated(options: SpecOptions, host = someHost(), changes: Partial<SpecInput> = {}): Promise<GeneratedSpec> {
  return generateSpec({
    id: someId,
    name: 'web',
    options: await normalized(options, host),
    rootfs: '/run/x/rootfs',
    bundle: '/run/x',
    accounts: someAccounts,
    host,
    cgroupsPath: `/libpod_parent/libpod-${someId}`,
    network: { hosts: '127.0.0.1\tlocalhost\n' },
    ...changes,
  })
}

/** Expects a refusal, and gives what tests look at. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<{ code: string; path: unknown; message: string }> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    const { code, details, message } = error as { code: string; details: { path?: unknown; what?: unknown }; message: string }
    return { code, path: details?.path ?? details?.what, message }
  }
  throw new Error('It was not refused.')
}
