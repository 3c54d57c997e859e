import { expect, test } from 'vitest'
import { loadAddresses, overlaps } from './addresses.ts'
import { checkSubnets, chooseSubnet } from './subnets.ts'

const used = async (...texts: readonly string[]) => {
  const { subnet } = await loadAddresses()
  return texts.flatMap((text) => {
    const parsed = subnet(text)
    return parsed === undefined ? [] : [{ subnet: parsed, by: 'the network web' }]
  })
}
const pools = { defaultSubnetPools: [{ base: '10.89.0.0/16', size: 24 }] }

test('arithmetic: ranges, addresses and what is neither', async () => {
  const { subnet, address, format } = await loadAddresses()
  expect(subnet('10.88.0.7/16')).toMatchObject({ text: '10.88.0.0/16', version: 4, prefix: 16 })
  expect(subnet('10.77.0.0/024')?.text).toBe('10.77.0.0/24')
  expect(subnet('fd00::1/64')?.text).toBe('fd00::/64')
  for (const text of ['10.88.0.0', '10.88.0.0/33', '10.88.0.0/x', '10.88.0/16', 'a/8', '10.0.0.0/8/8'])
    expect(subnet(text), text).toBeUndefined()
  expect(address('10.0.0.300')).toBeUndefined()
  expect(format({ version: 4, value: 0x0a580001n })).toBe('10.88.0.1')
  const [a, b, c] = [subnet('10.0.0.0/8'), subnet('10.1.2.0/24'), subnet('11.0.0.0/8')]
  expect(a && b && c && [overlaps(a, b), overlaps(b, a), overlaps(b, c)]).toEqual([true, true, false])
})

test('the preferred subnet when it is free, else the first free one of the pools', async () => {
  expect(await chooseSubnet(pools, [], '10.88.0.0/16')).toEqual({ subnet: '10.88.0.0/16', gateway: '10.88.0.1' })
  expect(await chooseSubnet(pools, await used('10.88.3.0/24', '10.89.0.0/23'), '10.88.0.0/16')).toEqual({
    subnet: '10.89.2.0/24',
    gateway: '10.89.2.1',
  })
  await expect(chooseSubnet(pools, await used('10.89.0.0/16'))).rejects.toMatchObject({ code: 'conflict' })
})

test('asked for: completed, and refused where they overlap', async () => {
  expect(await checkSubnets([{ subnet: '10.1.0.9/24' }, { subnet: '10.2.0.0/24', gateway: '10.2.0.254' }], [])).toEqual([
    { subnet: '10.1.0.0/24', gateway: '10.1.0.1' },
    { subnet: '10.2.0.0/24', gateway: '10.2.0.254' },
  ])
  await expect(checkSubnets([{ subnet: '10.1.0.0/25' }, { subnet: '10.1.0.0/24' }], [])).rejects.toMatchObject({ code: 'conflict' })
  await expect(checkSubnets([{ subnet: '10.1.0.0/24' }], await used('10.0.0.0/8'))).rejects.toThrow('the network web')
  await expect(checkSubnets([{ subnet: '10.1.0.0/24', leaseRange: { first: '10.1.0.9', last: '10.1.0.2' } }], [])).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { path: 'subnets[0].leaseRange' },
  })
})

test.each(['0.0.0.0/0', '0.1.0.0/16', '224.0.0.0/24', '239.1.0.0/16'])('%s is for no machine', async (subnet) => {
  await expect(checkSubnets([{ subnet }], [])).rejects.toMatchObject({ code: 'invalid-argument', details: { path: 'subnets[0].subnet' } })
})
