import { expect, test } from 'vitest'
import type { ContainerStatus } from '../containers/status.ts'
import { type PodStatus, podStatus } from './status.ts'

const cases: readonly (readonly [PodStatus, readonly ContainerStatus[]])[] = [
  ['created', []],
  ['created', ['created', 'initialized']],
  ['running', ['running', 'running']],
  ['running', ['running', 'stopping']],
  ['degraded', ['running', 'exited']],
  ['degraded', ['running', 'paused']],
  ['degraded', ['running', 'created']],
  ['paused', ['paused', 'paused']],
  ['exited', ['exited', 'exited']],
  ['stopped', ['exited', 'created']],
  ['stopped', ['exited', 'paused']],
  ['error', ['removing', 'created']],
]

test.each(cases)('%s: %j', (expected, containers) => {
  expect(podStatus(containers)).toBe(expected)
})
