import { mkdir, readFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import { writeFileAtomic } from '../../linux/fs/atomic-write.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import type { LocalSnapshotter, SnapshotterOptions } from './directory-snapshotter.ts'
import { openOverlaySnapshotter } from './overlay/overlay-snapshotter.ts'
import type { OverlayProbe } from './tree-work.ts'
import { openVfsSnapshotter } from './vfs/vfs-snapshotter.ts'

/** The snapshotter of a root. @public */
export interface OpenedSnapshotter {
  readonly snapshots: LocalSnapshotter
  /** Why it is not overlay. */
  readonly reason?: string
}

interface RememberedProbe {
  readonly kernel: string
  readonly uid: number
  readonly probe: OverlayProbe
}

/** Options of {@link openSnapshotter}. @public */
export interface OpenSnapshotterOptions extends SnapshotterOptions {
  /** Whose root it is, also for who is root inside of a user namespace; the user of this process if not given. */
  readonly uid?: number
  /** Overlay where it works, if not given. */
  readonly driver?: 'overlay' | 'vfs'
}

/**
 * Opens overlay where it works, and vfs where it does not. It is tried once for each kernel and user: what was found is kept in
 * the root, because trying takes the helper process.
 */
export async function openSnapshotter(options: OpenSnapshotterOptions): Promise<OpenedSnapshotter> {
  const { root, driver } = options
  const directoryOf = (name: string): string => join(root, name)
  try {
    await mkdir(root, { recursive: true, mode: 0o700 })
    if (driver === 'vfs') return { snapshots: openVfsSnapshotter({ ...options, root: directoryOf('vfs') }), reason: 'vfs was asked for' }
    const probe = await rememberedProbe(options)
    if (probe.works || driver === 'overlay') {
      const userxattr = probe.works && probe.userxattr
      return { snapshots: openOverlaySnapshotter({ ...options, root: directoryOf('overlay'), userxattr }) }
    }
    return {
      snapshots: openVfsSnapshotter({ ...options, root: directoryOf('vfs') }),
      reason: `overlay does not work here: ${probe.reason}`,
    }
  } catch (error) {
    throw mapFsError(error, root)
  }
}

async function rememberedProbe({ root, work, uid }: OpenSnapshotterOptions): Promise<OverlayProbe> {
  const path = join(root, 'overlay-probe.json')
  const now = { kernel: release(), uid: uid ?? process.geteuid?.() ?? 0 }
  const known = await readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as RememberedProbe)
    .catch(() => undefined)
  if (known?.probe.works && known.kernel === now.kernel && known.uid === now.uid) return known.probe
  const probe = await work.probeOverlay(root)
  await writeFileAtomic(path, JSON.stringify({ ...now, probe } satisfies RememberedProbe))
  return probe
}
