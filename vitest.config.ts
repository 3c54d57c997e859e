import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { deniedFiles } from './test/rootless/denied.ts'
import LongestFirst from './test/support/sequencer.ts'

/**
 * The integration tests import the package by its name: what is tested is what is published. Each file looks at the whole machine to
 * see whether anything was left behind; its worker has network, mounts and cgroups of its own, so that this is its own doing.
 */
const integration = {
  include: ['test/**/*.test.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  isolate: false,
  execArgv: ['--require', './test/support/own-cgroups.cjs', '--require', './test/support/own-network.cjs'],
}

/** They kill engines at hundreds of places, and then start and remove containers: with one runtime is enough, and crun is the fast one. */
const withCrun = ['test/survival/{steps,pods,network,reboot}.test.ts']

// Where Node is told of more certificates, it reads all it has when it starts, which takes twice as long as the start itself; and there
// are thousands of starts.
delete process.env['NODE_EXTRA_CA_CERTS']

export default defineConfig({
  test: {
    // Only of a v1 tree each can have its own part: elsewhere there is one after the other.
    maxWorkers: existsSync('/sys/fs/cgroup/cgroup.controllers') ? 1 : availableParallelism(),
    globalSetup: './test/support/cgroups-of-workers.ts',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          testTimeout: 30_000,
          isolate: false,
          globalSetup: './test/support/compile-programs.ts',
          // What they mount is not seen by those that look whether anything was left mounted.
          execArgv: ['--require', './test/support/own-cgroups.cjs'],
        },
      },
      {
        test: {
          ...integration,
          exclude: ['test/{rootless,systemd}/**', ...withCrun],
          name: 'runc',
          env: { TEST_RUNTIME: 'runc' },
        },
      },
      { test: { ...integration, include: ['examples/**/*.test.ts'], name: 'examples' } },
      {
        test: {
          ...integration,
          // The others do not depend on the runtime; and verbs are given up with crun in the next group.
          include: ['test/integration/**/*.test.ts', 'test/network/life.test.ts', ...withCrun],
          exclude: ['test/integration/{abort,bad-archives,full-disk,images,interop,open,verb-options}.test.ts'],
          name: 'crun',
          env: { TEST_RUNTIME: 'crun' },
          execArgv: [...integration.execArgv, '--require', './test/support/without-unified-cgroup.cjs'],
        },
      },
      {
        test: {
          ...integration,
          // As an ordinary user, with the runtime that is chosen there.
          include: ['test/integration/**/*.test.ts', 'test/rootless/**/*.test.ts', 'test/survival/{closing,random,takeover}.test.ts'],
          exclude: Object.keys(deniedFiles).map((file) => `test/integration/${file}`),
          name: 'rootless',
          env: { SURVIVAL_RANDOM: '12' },
          execArgv: ['--require', './test/support/own-cgroups.cjs', '--require', './test/support/as-ordinary-user.cjs'],
          runner: './test/rootless/runner.ts',
        },
      },
    ],
  },
})
