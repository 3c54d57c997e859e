import { expect, test } from 'vitest'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const defaults = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
]

const of = async (options: object, host = someHost()) => (await generated(options, host)).config.process?.capabilities

test('root has the default ones, effective too', async () => {
  expect(await of({})).toEqual({ bounding: defaults, effective: defaults, permitted: defaults })
})

test('adds and drops, in the order of the names', async () => {
  const bounding = (await of({ capAdd: ['net_admin', 'CAP_CHOWN'], capDrop: ['Kill', 'SETUID'] }))?.bounding
  expect(bounding).toEqual([...defaults.filter((name) => name !== 'CAP_KILL' && name !== 'CAP_SETUID'), 'CAP_NET_ADMIN'].sort())
})

test('drops all but what is added', async () => {
  expect((await of({ capDrop: ['all'], capAdd: ['CHOWN'] }))?.bounding).toEqual(['CAP_CHOWN'])
  expect(await of({ capDrop: ['ALL'] })).toEqual({})
})

test('adds all but what is dropped', async () => {
  const host = someHost({ boundingCapabilities: ['CAP_CHOWN', 'CAP_KILL', 'CAP_BPF'] })
  expect((await of({ capAdd: ['ALL'] }, host))?.bounding).toEqual(['CAP_BPF', 'CAP_CHOWN', 'CAP_KILL'])
  expect((await of({ capAdd: ['ALL'], capDrop: ['KILL'] }, host))?.bounding).toEqual(['CAP_BPF', 'CAP_CHOWN'])
})

test('never gives what this process has not', async () => {
  const host = someHost({ boundingCapabilities: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] })
  expect((await of({ capAdd: ['SYS_TIME'] }, host))?.bounding).toEqual(['CAP_CHOWN'])
  expect((await of({ privileged: true }, host))?.bounding).toEqual(['CAP_CHOWN', 'CAP_SYS_ADMIN'])
})

test('anyone but root has in effect only what is added', async () => {
  expect(await of({ user: 'app' })).toEqual({ bounding: defaults })
  const added = ['CAP_NET_RAW']
  expect(await of({ user: 'app', capAdd: ['NET_RAW'] })).toEqual({
    bounding: [...defaults, 'CAP_NET_RAW'].sort(),
    effective: added,
    inheritable: added,
    permitted: added,
    ambient: added,
  })
})

test.each([
  ['capAdd[1]', { capAdd: ['CHOWN', 'FLY'] }],
  ['capDrop[0]', { capDrop: ['CAP_'] }],
  ['capDrop[1]', { capAdd: ['chown'], capDrop: ['KILL', 'CAP_CHOWN'] }],
  ['privileged', { privileged: 1 }],
])('refuses a bad value at %s', async (path, options) => {
  expect(await refusal(normalized(options as never))).toMatchObject({ code: 'invalid-argument', path })
})
