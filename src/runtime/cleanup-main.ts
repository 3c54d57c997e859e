import { cleanUp } from './clean-up.ts'

/**
 * The clean-up program: `cleanup.js RUN_ROOT [DUTY_DESCRIPTOR]`, run by the exit script when a container ended and no
 * engine serves its root, and by the helper of an engine that died. It is an engine that does its duty once and goes.
 */
const [runRoot, dutyFd] = process.argv.slice(2)
if (runRoot === undefined) {
  process.stderr.write('usage: cleanup.js RUN_ROOT [DUTY_DESCRIPTOR]\n')
  process.exitCode = 2
} else await cleanUp(runRoot, dutyFd === undefined ? undefined : Number(dutyFd))
