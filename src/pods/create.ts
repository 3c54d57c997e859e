import { isLibpodError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import { randomName } from '../base/names.ts'
import { step } from '../base/steps.ts'
import { containerKind, draftOf } from '../containers/record.ts'
import { subjectOf } from '../containers/subject.ts'
import { podCgroup } from '../oci/spec/cgroups-path.ts'
import { normalizeResources } from '../oci/spec/resources.ts'
import type { RegistryOperation } from '../state/registry-types.ts'
import { planInfra } from './infra.ts'
import { type CreatePodOptions, checkPodOptions } from './options.ts'
import { type PodRecord, podDraft, podKind } from './record.ts'
import type { PodsServices } from './services.ts'
import { defaultShare } from './share.ts'
import { podSubject } from './store.ts'

/** How often a made-up name may meet one that is taken. */
const nameTries = 5

/** Creates a pod and, in the same commit, its infra container. Nothing of it is started. */
export async function createPod(services: PodsServices, given: CreatePodOptions): Promise<PodRecord> {
  services.containers.closer.check()
  const options = await checkPodOptions(given)
  options.signal?.throwIfAborted()
  for (let tries = 1; ; tries++) {
    try {
      return await createNamed(services, options, options.name ?? randomName())
    } catch (error) {
      if (options.name !== undefined || tries >= nameTries || !isLibpodError(error, 'already-exists')) throw error
    }
  }
}

async function createNamed(services: PodsServices, options: CreatePodOptions, name: string): Promise<PodRecord> {
  const { registry, probe, host, emit } = services.containers
  const { infra: hasInfra = true, share = defaultShare, labels = {}, cgroupParent } = options
  const id = newId()
  const specHost = await host()
  const { systemdCgroup, delegatedControllers } = specHost
  const planned: PodRecord = {
    id,
    name,
    createdAt: new Date().toISOString(),
    labels: { ...labels },
    share: hasInfra ? [...new Set(share)] : [],
    cgroup: podCgroup({ id, parent: cgroupParent, systemd: systemdCgroup, delegatedControllers }),
    resources: normalizeResources({ ...options, pidsLimit: options.pidsLimit ?? -1 }, specHost),
  }
  const infra = hasInfra ? await planInfra(services, planned, options) : undefined
  const pod: PodRecord = infra === undefined ? planned : { ...planned, infra: infra.id }
  options.signal?.throwIfAborted()
  const operations: RegistryOperation[] = [{ type: 'create', kind: podKind.kind, draft: podDraft(pod) }]
  if (infra) operations.push({ type: 'create', kind: containerKind.kind, draft: draftOf(infra) })
  await step(probe, 'pod.create', () => registry.commit(operations))
  await step(probe, 'pod.create-event', async () => {
    await emit({ ...podSubject(pod), action: 'create' })
    if (infra) await emit({ ...subjectOf(infra), action: 'create' })
  })
  return pod
}
