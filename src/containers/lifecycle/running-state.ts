import type { ContainerState, LiveContainer, PublishedPort } from '../record.ts'

/** The state without what belongs to an earlier run. */
export function freshState({ generation, restartCount, status, ownsLog }: ContainerState): ContainerState {
  return { generation, restartCount, status, ...(ownsLog ? { ownsLog } : {}) }
}

/** The state of a container that was made in its runtime and waits for its start. */
export function initializedState(state: ContainerState, { generation, ownsLog = false }: LiveContainer): ContainerState {
  return { ...freshState(state), status: 'initialized', generation, ...(ownsLog ? { ownsLog } : {}) }
}

/** The state of a container whose program was just started. */
export function runningState(
  state: ContainerState,
  { generation, restarted = false, ownsLog = false }: LiveContainer,
  ports: readonly PublishedPort[],
  startedAt = new Date(),
): ContainerState {
  return {
    ...freshState(state),
    ...(ownsLog ? { ownsLog } : {}),
    status: 'running',
    generation,
    startedAt: startedAt.toISOString(),
    restartCount: restarted ? state.restartCount + 1 : 0,
    ...(ports.length === 0 ? {} : { ports }),
  }
}

/** The state after a start that was taken back, from the one before it: what was made for it is gone. */
export function undoneState(before: ContainerState): ContainerState {
  return before.status === 'initialized' ? { ...before, status: 'created' } : before
}
