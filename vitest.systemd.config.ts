import { defineConfig } from 'vitest/config'

/** Such machines are often slow ones: those that one has for tests are emulated. */
const patience = { testTimeout: 600_000, hookTimeout: 600_000 }
const env = { TEST_RUNTIME: process.env['TEST_RUNTIME'] ?? 'crun' }

/**
 * For a machine that systemd runs and whose cgroups are v2: what only shows there, and the integration tests, which have to pass there as
 * well. Not part of `npm test`, which runs anywhere.
 */
export default defineConfig({
  test: {
    // They look at the whole machine, of which they have no parts of their own here.
    maxWorkers: 1,
    fileParallelism: false,
    projects: [
      { test: { ...patience, env, name: 'systemd', include: ['test/systemd/**/*.test.ts'] } },
      {
        test: {
          ...patience,
          env,
          name: 'integration',
          include: ['test/{integration,network}/**/*.test.ts'],
          // They are about archives and not about the machine, and need umoci and zstd, which such a machine may have no way to get.
          exclude: ['test/integration/{bad-archives,images,interop}.test.ts'],
          isolate: false,
          globalSetup: './test/support/cgroups-of-workers.ts',
          execArgv: ['--require', './test/support/own-cgroups.cjs', '--require', './test/support/own-network.cjs'],
        },
      },
    ],
  },
})
