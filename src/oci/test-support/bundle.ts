import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a test's container runs. @public */
export interface TestBundleOptions {
  readonly args: readonly string[]
  readonly terminal?: boolean
  readonly env?: readonly string[]
  readonly memoryBytes?: number
  readonly annotations?: Readonly<Record<string, string>>
  /** The root's path in `config.json`; `rootfs` in the bundle, with busybox in it, if not given. */
  readonly rootfs?: string
}

/** A bundle for tests. @public */
export interface TestBundle {
  readonly id: string
  readonly path: string
}

/** A random id, as the engine makes them. */
export function testId(): string {
  return randomBytes(32).toString('hex')
}

/** Makes a bundle with this machine's `/bin/busybox` as its root, in a new folder below `directory`. @public */
export async function makeTestBundle(directory: string, options: TestBundleOptions, id = testId()): Promise<TestBundle> {
  const path = join(directory, id)
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (options.rootfs === undefined) await makeTestRootfs(join(path, 'rootfs'))
  await writeFile(join(path, 'config.json'), JSON.stringify(testConfig(id, options)))
  return { id, path }
}

/** The root of a file system that has nothing but busybox. */
export async function makeTestRootfs(rootfs: string): Promise<void> {
  for (const folder of ['bin', 'proc', 'dev', 'sys', 'tmp', 'etc']) await mkdir(join(rootfs, folder), { recursive: true })
  await copyFile('/bin/busybox', join(rootfs, 'bin/busybox'))
  for (const name of ['sh', 'echo', 'cat', 'sleep', 'true', 'false', 'stty', 'head', 'yes', 'kill', 'id', 'tail', 'dd', 'seq'])
    await symlink('busybox', join(rootfs, 'bin', name))
  await writeFile(join(rootfs, 'bin/not-executable'), 'no program\n', { mode: 0o644 })
}

function testConfig(
  id: string,
  { args, terminal = false, env = [], memoryBytes, rootfs = 'rootfs', annotations }: TestBundleOptions,
): object {
  return {
    ociVersion: '1.0.2',
    ...(annotations === undefined ? {} : { annotations }),
    process: { ...testProcess(args, terminal), env: ['PATH=/bin', ...env] },
    root: { path: rootfs, readonly: false },
    hostname: 'test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
    ],
    linux: {
      cgroupsPath: `/libpod-ts-test/${id}`,
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })),
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        ...(memoryBytes === undefined ? {} : { memory: { limit: memoryBytes, swap: memoryBytes } }),
      },
    },
  }
}

/** An OCI `process`, as an exec is given. */
export function testProcess(args: readonly string[], terminal = false): object {
  const all = ['CAP_KILL', 'CAP_CHOWN', 'CAP_SETUID', 'CAP_SETGID']
  return {
    terminal,
    ...(terminal ? { consoleSize: { height: 24, width: 80 } } : {}),
    user: { uid: 0, gid: 0 },
    args,
    env: ['PATH=/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: all, effective: all, permitted: all },
    noNewPrivileges: true,
  }
}
