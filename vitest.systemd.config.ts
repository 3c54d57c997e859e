import { defineConfig } from 'vitest/config'

/** What only shows where systemd runs the machine and cgroups are v2. Not part of `npm test`, which runs anywhere. */
export default defineConfig({
  test: {
    name: 'systemd',
    include: ['test/systemd/**/*.test.ts'],
    env: { TEST_RUNTIME: process.env['TEST_RUNTIME'] ?? 'crun' },
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
})
