import { defineConfig } from 'vitest/config'

/**
 * The integration tests import the package by its name: what is tested is what is published. One file at a time, because
 * each looks at the whole machine to see whether anything was left behind.
 */
const integration = {
  include: ['test/**/*.test.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  fileParallelism: false,
  execArgv: ['--require', './test/support/own-network.cjs'],
}

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'], testTimeout: 30_000, sequence: { groupOrder: 0 } } },
      { test: { ...integration, name: 'runc', env: { TEST_RUNTIME: 'runc' }, sequence: { groupOrder: 1 } } },
      {
        test: {
          ...integration,
          // The others do not depend on the runtime.
          include: ['test/{integration,network}/**/*.test.ts'],
          name: 'crun',
          env: { TEST_RUNTIME: 'crun' },
          execArgv: [...integration.execArgv, '--require', './test/support/without-unified-cgroup.cjs'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
