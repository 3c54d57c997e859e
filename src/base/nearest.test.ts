import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

const names = ['memoryBytes', 'memorySwapBytes', 'cpus', 'cpuShares', 'command', 'workdir', 'env']

it.each([
  ['memory', ['memoryBytes', 'memorySwapBytes']],
  ['memorybytes', ['memoryBytes']],
  ['comand', ['command']],
  ['workDir', ['workdir']],
  ['cpu', ['cpus', 'cpuShares']],
  ['entirely', []],
  ['', []],
])('%j is near to %j', (word, expected) => {
  expect(nearest(word, names)).toEqual(expected)
})
