import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
import type { PreparedNetwork } from '../../network/set-up.ts'
import { connectNetwork, startNetwork } from '../networking/start-network.ts'
import { logPlaceOf, monitorPlaceOf } from '../places.ts'
import { type ContainerRecord, containerKind, type LiveContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { checkJoined } from './joined.ts'
import { logDriverOf, monitorOf, runtimeOf } from './pins.ts'
import { inPodCgroup } from './pod-cgroup.ts'
import { prepareBundle } from './prepare-bundle.ts'
import { dropPreparedLog, willOwnLog } from './prepare-log.ts'
import { undoStart } from './undo-start.ts'

/**
 * Makes a container in its OCI runtime: bundle, mounts, monitor; its program is not started yet. The lock is held. The
 * entry `starting` in the live store comes first, so that whoever finds it knows that something may be there; on any
 * failure everything is taken back.
 */
export async function makeContainer(
  services: ContainersServices,
  record: ContainerRecord,
  { signal, restarted = false }: AbortOptions & { readonly restarted?: boolean },
): Promise<LiveContainer> {
  const { id, state } = record
  services.beginGracePeriod()
  const starting: LiveContainer = {
    phase: 'starting',
    generation: state.generation + 1,
    before: state,
    ...(restarted ? { restarted } : {}),
    // Should this engine die, the next one knows it by this.
    ...(willOwnLog(services, record) ? { ownsLog: true } : {}),
  }
  await step(services.probe, 'start.mark', () => services.live.set(containerKind.kind, id, starting))
  let network: PreparedNetwork | undefined
  let connected: Promise<void> | undefined
  let ownsLog = false
  try {
    signal?.throwIfAborted()
    network = await startNetwork(services, record)
    // The runtime only joins the namespace: it is connected while the container is created.
    connected = connectNetwork(services, network)
    connected.catch(() => {})
    const prepared = await prepareBundle(services, record, { namespace: network?.namespace, signal })
    const { mounts, joined } = prepared
    ownsLog = prepared.ownsLog
    const runtime = await runtimeOf(services, record)
    const monitor = monitorOf(services, record)
    const [host, monitorCgroup] = await Promise.all([services.host(), services.monitorCgroup()])
    const made = await inPodCgroup(services, record, () =>
      step(services.probe, 'start.create', () =>
        monitor.create(
          {
            ...monitorPlaceOf(services.places, id),
            name: record.name,
            runtime: runtime.command(),
            mounts,
            ...(monitorCgroup === undefined ? {} : { monitorCgroup }),
            logArgs: logDriverOf(services, record).monitorArgs(logPlaceOf(record)),
            terminal: record.options.tty,
            stdin: record.options.stdin,
            exitCommand: services.exitCommand(id),
            env: services.config.monitorEnv,
            systemdCgroup: host.systemdCgroup,
            bound: record.owner !== undefined,
          },
          { signal },
        ),
      ),
    ).catch(async (error: unknown) => {
      // What it fails with then is only how the runtime noticed.
      await checkJoined(joined, record.name, error)
      throw error
    })
    await checkJoined(joined, record.name)
    await connected
    signal?.throwIfAborted()
    network?.namespace.close()
    return { ...starting, ...made, ownsLog }
  } catch (error) {
    await connected?.catch(() => {})
    await undoStart(services, id, network?.namespace)
    if (ownsLog) await dropPreparedLog(services, record)
    throw error
  }
}
