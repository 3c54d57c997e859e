import { constants, open } from 'node:fs/promises'
import { LibpodError } from '../../../base/errors.ts'
import { sleep } from '../../../base/time.ts'
import { mapFsError } from '../../../linux/fs/disk.ts'
import type { Monitor, MonitorPlace } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

type Request = Parameters<Monitor['control']>[1]

/** Waits between attempts, while conmon is just opening its end. */
const patienceMs = [1, 2, 5, 10, 20, 50, 100]

/** Tells conmon to resize the terminal or to open the log anew. */
export async function controlConmon(place: MonitorPlace, request: Request): Promise<void> {
  const path = bundleFiles(place).control
  for (const wait of [...patienceMs, undefined]) {
    try {
      return await write(path, lineOf(request))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') throw notThere(place, error)
      if (code !== 'ENXIO' && code !== 'EAGAIN') throw mapFsError(error, path)
      if (wait === undefined) throw notThere(place, error)
      await sleep(wait)
    }
  }
}

async function write(path: string, line: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_NONBLOCK)
  try {
    await file.write(line)
  } finally {
    await file.close()
  }
}

function lineOf(request: Request): string {
  return 'resize' in request ? `1 ${request.resize.rows} ${request.resize.columns}\n` : '2 0 0\n'
}

function notThere({ id }: MonitorPlace, cause: unknown): LibpodError<'invalid-state'> {
  return new LibpodError(
    'invalid-state',
    `The monitor of container ${id.slice(0, 12)} does not run.`,
    { kind: 'container', ref: id, state: 'exited', allowed: ['initialized', 'running', 'paused'], verb: 'control' },
    { cause, hint: 'Start the container first.' },
  )
}
