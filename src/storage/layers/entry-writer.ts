import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { isLibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import type { Confinement } from '../../linux/fs/confinement.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import { libc, makeDevice } from '../../linux/native/libc.ts'
import type { ExtractTarget } from '../snapshotter.ts'
import { corruptLayer, shownName } from './corrupt-layer.ts'
import type { EntryTime, LayerEntry } from './entry.ts'
import { type EntryPath, entryPath, pathOf } from './entry-path.ts'
import { applyTime, applyWholeTime, applyXattr, applyXattrs, changeOwner, defaultAcl, dropXattrs } from './metadata.ts'
import type { EntrySink } from './tar-reader.ts'
import { TreePlaces } from './tree-places.ts'
import type { LayerWarnings } from './warnings.ts'
import { meaningOf, type Whiteouts, whiteoutsFor } from './whiteouts.ts'

interface OpenFile {
  readonly entry: LayerEntry
  readonly place: EntryPath
  readonly fd: number
  /** Where what was written ends; behind a last hole the file still has to grow. */
  end: number
}

/** What the kernel says of an entry that no archive of a real tree would have. */
const senseless = [
  'ENAMETOOLONG',
  'ELOOP',
  'ENOTDIR',
  'ENOENT',
  'EINVAL',
  'EISDIR',
  'EEXIST',
  'EMLINK',
  'EFBIG',
  'EILSEQ',
  'ENXIO',
] as const

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Writes the entries of a layer into a tree. All but {@link close} is for the inside of a {@link Confinement}. */
export class EntryWriter implements EntrySink {
  readonly #target: ExtractTarget
  readonly #warnings: LayerWarnings
  readonly #places: TreePlaces
  readonly #whiteouts: Whiteouts
  /** For the end, because everything that is put into a directory changes its time. */
  readonly #directories = new Map<string, { readonly mtime: EntryTime; readonly acl: Buffer | undefined }>()
  /** Devices that could not be made: neither can links to them. */
  readonly #skipped = new Set<string>()
  #file: OpenFile | undefined
  #sizeBytes = 0
  /** New files are ours, with the mode they are made with: the tree is new, and none of its directories says otherwise so far. */
  #inheritsNothing: boolean

  constructor(target: ExtractTarget, confinement: Confinement, warnings: LayerWarnings) {
    this.#target = target
    this.#warnings = warnings
    this.#places = new TreePlaces(confinement)
    this.#whiteouts = whiteoutsFor(target, this.#places)
    this.#inheritsNothing =
      target.whiteouts === 'overlay' &&
      process.geteuid?.() === 0 &&
      process.getegid?.() === 0 &&
      (statSync(target.path).mode & S_ISGID) === 0
  }

  /** Bytes of file content so far. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  begin(entry: LayerEntry): void {
    this.#checked(entry, () => {
      const place = entryPath(entry.name)
      const meaning = meaningOf(place)
      if (meaning.is === 'entry') this.#write(entry, place)
      else if (meaning.is === 'whiteout') this.#whiteouts.hide(meaning.place)
      else if (meaning.is === 'opaque') this.#whiteouts.hideContent(meaning.place)
    })
  }

  data(bytes: Buffer, position: number): void {
    const file = this.#file
    if (file === undefined) return
    this.#checked(file.entry, () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(file.fd, bytes, done, bytes.length - done, position + done)
      file.end = position + bytes.length
    })
  }

  end(): void {
    const file = this.#file
    if (file === undefined) return
    const { entry, place, fd, end } = file
    this.#checked(entry, () => {
      if (end < entry.size) ftruncateSync(fd, entry.size)
      if (!this.#inheritsNothing || entry.uid !== 0 || entry.gid !== 0) changeOwner(entry, (uid, gid) => fchownSync(fd, uid, gid))
      if (!this.#isMadeWithItsMode(entry)) fchmodSync(fd, entry.mode)
      const isTimed = applyWholeTime(fd, entry.mtime)
      this.close()
      applyXattrs(place.path, entry, this.#warnings)
      if (!isTimed) applyTime(place.path, entry.mtime)
    })
  }

  /** Sets what some directories get only at the end; gives `false` when all are done. */
  finishSome(most: number): boolean {
    let count = 0
    for (const [key, { mtime, acl }] of this.#directories) {
      if (count++ === most) return true
      this.#directories.delete(key)
      const { path } = pathOf(key)
      // Something else may have come in its place.
      if (!isDirectory(path)) continue
      if (acl !== undefined) applyXattr(path, defaultAcl, acl, this.#warnings)
      applyTime(path, mtime)
    }
    return false
  }

  /** Closes the file that is being written, if there is one. */
  close(): void {
    if (this.#file === undefined) return
    const { fd } = this.#file
    this.#file = undefined
    closeSync(fd)
  }

  #write(entry: LayerEntry, place: EntryPath): void {
    if (place.key === '' && entry.type !== 'directory')
      throw corruptLayer(`a ${entry.type} stands for the whole tree`, { name: entry.name })
    // As overlay keeps its deletions; some archives are made of such trees.
    if (entry.type === 'character-device' && entry.major === 0 && entry.minor === 0) {
      this.#whiteouts.hide(place)
      return
    }
    this.#whiteouts.bring(place)
    if (entry.type === 'directory') this.#writeDirectory(entry, place)
    else if (entry.type === 'file') this.#openFile(entry, place)
    else if (entry.type === 'hardlink') this.#link(entry, place)
    else if (this.#makeNode(entry, place)) {
      changeOwner(entry, (uid, gid) => lchownSync(place.path, uid, gid))
      if (entry.type !== 'symlink') chmodSync(place.path, entry.mode)
      applyXattrs(place.path, entry, this.#warnings)
      applyTime(place.path, entry.mtime)
    }
  }

  #writeDirectory(entry: LayerEntry, place: EntryPath): void {
    const { path, key } = place
    const replaced = isDirectory(path) ? 'directory' : this.#makeDirectory(place)
    if (replaced === 'directory' && this.#target.whiteouts === 'apply') dropXattrs(path, entry)
    if ((entry.mode & S_ISGID) !== 0) this.#inheritsNothing = false
    changeOwner(entry, (uid, gid) => lchownSync(path, uid, gid))
    chmodSync(path, entry.mode)
    applyXattrs(path, entry, this.#warnings)
    if (replaced === 'whiteout') this.#whiteouts.hideContent(place)
    this.#directories.set(key, { mtime: entry.mtime, acl: entry.xattrs.get(defaultAcl) })
  }

  #makeDirectory(place: EntryPath): 'whiteout' | 'nothing' {
    const isHidden = this.#target.whiteouts === 'overlay' && isWhiteout(place.path)
    this.#places.make(place, () => mkdirSync(place.path, 0o700))
    return isHidden ? 'whiteout' : 'nothing'
  }

  #openFile(entry: LayerEntry, place: EntryPath): void {
    const mode = this.#isMadeWithItsMode(entry) ? entry.mode : 0o600
    const fd = this.#places.make(place, () => openSync(place.path, newFile, mode))
    this.#file = { entry, place, fd, end: 0 }
    this.#sizeBytes += entry.size
  }

  /** The helper's umask is 022. */
  #isMadeWithItsMode({ mode, uid, gid }: LayerEntry): boolean {
    return this.#inheritsNothing && uid === 0 && gid === 0 && (mode & ~0o755) === 0
  }

  #link({ name, linkName }: LayerEntry, place: EntryPath): void {
    const target = entryPath(linkName, `the target ${shownName(linkName)} of the hard link`)
    if (target.key === place.key) throw corruptLayer('it is a hard link to itself', { name })
    if (this.#skipped.has(target.key)) {
      this.#skipped.add(place.key)
      return
    }
    const stats = lstatSync(target.path, { throwIfNoEntry: false })
    if (stats === undefined) throw corruptLayer(`the target ${shownName(linkName)} of the hard link is not there`, { name })
    if (stats.isDirectory()) throw corruptLayer('it is a hard link to a directory', { name })
    this.#places.make(place, () => linkSync(target.path, place.path))
  }

  /** Gives `false` for a device that could not be made. */
  #makeNode({ type, name, linkName, major, minor }: LayerEntry, place: EntryPath): boolean {
    if (type === 'symlink') {
      if (linkName.length === 0) throw corruptLayer('it is a link without a target', { name })
      this.#places.make(place, () => symlinkSync(linkName, place.path))
      return true
    }
    if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) throw corruptLayer(`there is no device ${major}:${minor}`, { name })
    const kind = type === 'fifo' ? S_IFIFO : type === 'character-device' ? S_IFCHR : S_IFBLK
    try {
      this.#places.make(place, () => libc().mknod(place.path, kind | 0o600, type === 'fifo' ? 0 : makeDevice(major, minor)))
      return true
    } catch (error) {
      if (!isErrno(error, 'EPERM')) throw error
      this.#skipped.add(place.key)
      this.#warnings.add('device', `The device ${shownName(name)}, and perhaps others, cannot be made here (EPERM).`)
      return false
    }
  }

  #checked(entry: LayerEntry, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.close()
      if (isLibpodError(error)) throw error
      if (isErrno(error, ...senseless)) throw corruptLayer(`there can be no such entry: ${error.message}`, { name: entry.name }, error)
      throw mapFsError(error, this.#target.path)
    }
  }
}

function isDirectory(path: Buffer): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  } catch (error) {
    if (isErrno(error, 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return false
    throw error
  }
}

function isWhiteout(path: Buffer): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isCharacterDevice() === true && stats.rdev === 0
}

const S_ISGID = 0o002000
const S_IFIFO = 0o010000
const S_IFCHR = 0o020000
const S_IFBLK = 0o060000
