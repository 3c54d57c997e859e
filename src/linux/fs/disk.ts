import { statfs } from 'node:fs/promises'
import { isLibpodError, LibpodError } from '../../base/errors.ts'

/** The file system that a path lies on. */
export interface DiskSpace {
  /** As the kernel names it: `ext4`, `xfs`, `tmpfs`, `overlay`; the magic number in hex for one not known here. */
  readonly fsType: string
  readonly totalBytes: number
  /** What somebody without privileges may still fill. */
  readonly freeBytes: number
  readonly totalInodes: number
  readonly freeInodes: number
}

const fsTypes: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlay'],
  [0x6969, 'nfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x65735546, 'fuse'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0xca451a4e, 'bcachefs'],
  [0x73717368, 'squashfs'],
  [0xe0f5e1e2, 'erofs'],
  [0x01021997, '9p'],
  [0x6a656a63, 'virtiofs'],
  [0x5346544e, 'ntfs'],
  [0x4d44, 'vfat'],
  [0x9660, 'iso9660'],
  [0xf15f, 'ecryptfs'],
  [0x61756673, 'aufs'],
  [0x47504653, 'gpfs'],
  [0x00c36400, 'ceph'],
  [0x0bd00bd0, 'lustre'],
  [0x27e0eb, 'cgroup'],
  [0x63677270, 'cgroup2'],
  [0x9fa0, 'proc'],
  [0x62656572, 'sysfs'],
])

/** Space and type of the file system that `path` lies on. */
export async function diskSpace(path: string): Promise<DiskSpace> {
  try {
    const { type, bsize, blocks, bavail, files, ffree } = await statfs(path)
    return { fsType: fsTypeName(type), totalBytes: blocks * bsize, freeBytes: bavail * bsize, totalInodes: files, freeInodes: ffree }
  } catch (error) {
    throw mapFsError(error, path)
  }
}

/** The name of a file system by its magic number. */
export function fsTypeName(type: number): string {
  // On 32 bits the number comes sign-extended.
  const magic = type >>> 0
  return fsTypes.get(magic) ?? `0x${magic.toString(16)}`
}

/** Turns what a file system call failed with into a {@link LibpodError}, as far as there is something the caller can do. */
export function mapFsError(error: unknown, path: string): Error {
  if (isLibpodError(error)) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new LibpodError(
      'no-space',
      code === 'EDQUOT' ? `The disk quota that ${path} counts against is used up.` : `The file system of ${path} is full.`,
      { path },
      {
        cause: error,
        hint: 'Free space on it (prune removes what no container uses), or give it more. Inodes can run out as well: see df -i.',
      },
    )
  if (code === 'EROFS')
    return new LibpodError(
      'permission-denied',
      `${path} lies on a file system that is mounted read-only.`,
      { what: path },
      { cause: error, hint: 'Mount it writable, or use another place.' },
    )
  if (code === 'EACCES' || code === 'EPERM')
    return new LibpodError(
      'permission-denied',
      `${path} may not be used by this process (${code}).`,
      { what: path },
      { cause: error, hint: 'Check its owner and mode, those of the directories above it, and lsattr.' },
    )
  return error instanceof Error ? error : new Error(String(error))
}
