import { beforeAll, describe, expect, it } from 'vitest'
import { ociRuntimeCases } from '../oci-runtime.cases.ts'
import { type CaseResult, runCases } from '../test-support/run-cases.ts'
import { cliRuntimeCases } from './cli.cases.ts'

describe.each(['runc', 'crun'])('%s', (runtime) => {
  let results: CaseResult[]
  beforeAll(async () => {
    results = await runCases(new URL('./runtime-cases.ts', import.meta.url), runtime)
  }, 120_000)

  it.each([...ociRuntimeCases, ...cliRuntimeCases].map(({ name }) => name))('%s', (name) => {
    expect(results).toContainEqual({ name })
  })
})
