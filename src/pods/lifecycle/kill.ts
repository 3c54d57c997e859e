import type { AbortOptions } from '../../base/abort.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { killContainer } from '../../containers/lifecycle/kill.ts'
import type { ContainerRecord } from '../../containers/record.ts'
import { isActive } from '../../containers/status.ts'
import { parseSignal, signalNumbers } from '../../linux/signals.ts'
import type { PodsServices } from '../services.ts'
import { podSubject, readPod } from '../store.ts'
import { bothOf, checkFailures, eachContainer } from './each-container.ts'
import { nothingRuns } from './nothing-runs.ts'

const checkOptions = verbOptions<AbortOptions>()

/** Sends a signal to the first process of each container that runs. SIGKILL goes to the infra container as well, after the others. */
export async function killPod(services: PodsServices, id: string, signal: string | number, options: AbortOptions = {}): Promise<void> {
  await checkOptions(options)
  const number = parseSignal(signal, 'signal')
  const read = await readPod(services, id)
  const { pod } = read
  const members = read.members.filter(({ state }) => isActive(state.status))
  const infra = number === signalNumbers.SIGKILL && read.infra && isActive(read.infra.state.status) ? [read.infra] : []
  if (members.length + infra.length === 0) throw nothingRuns('kill', pod)
  const kill = async (container: ContainerRecord): Promise<boolean> => {
    await killContainer(services.containers, container.id, number, options)
    return true
  }
  const killed = await step(services.containers.probe, 'pod.kill', async () =>
    bothOf([await eachContainer(members, kill), await eachContainer(infra, kill)]),
  )
  await services.containers.emit({ ...podSubject(pod), action: 'kill', attributes: { ...pod.labels, signal: String(number) } })
  checkFailures('kill', pod, killed, options)
}
