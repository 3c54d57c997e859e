import { defineConfig } from 'vitest/config'
import { deniedFiles } from './test/rootless/denied.ts'

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
      {
        test: {
          ...integration,
          exclude: ['test/{rootless,systemd}/**'],
          name: 'runc',
          env: { TEST_RUNTIME: 'runc' },
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...integration, include: ['examples/**/*.test.ts'], name: 'examples', sequence: { groupOrder: 1 } } },
      {
        test: {
          ...integration,
          // The others do not depend on the runtime.
          include: ['test/integration/**/*.test.ts', 'test/network/life.test.ts'],
          exclude: ['test/integration/{bad-archives,full-disk,images,interop,open}.test.ts'],
          name: 'crun',
          env: { TEST_RUNTIME: 'crun' },
          execArgv: [...integration.execArgv, '--require', './test/support/without-unified-cgroup.cjs'],
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...integration,
          // As an ordinary user, with the runtime that is chosen there.
          include: ['test/integration/**/*.test.ts', 'test/rootless/**/*.test.ts', 'test/survival/{random,takeover}.test.ts'],
          exclude: Object.keys(deniedFiles).map((file) => `test/integration/${file}`),
          name: 'rootless',
          env: { SURVIVAL_RANDOM: '12' },
          execArgv: ['--require', './test/support/as-ordinary-user.cjs'],
          runner: './test/rootless/runner.ts',
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
