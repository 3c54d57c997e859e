import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'

/**
 * A root filesystem as a tar archive, made from this machine's own statically linked busybox: an image without a network.
 * The applets are hard links to the one program, as in the official image.
 */
export function busyboxRootfs(busybox = '/bin/busybox'): Readable {
  const program = readFileSync(busybox)
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  const archive = pack()
  const mtime = new Date(0)
  for (const name of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'usr/bin', 'var', 'var/tmp']) {
    archive.entry({ name: `${name}/`, type: 'directory', mode: name.endsWith('tmp') ? 0o1777 : 0o755, mtime })
  }
  archive.entry({ name: 'bin/busybox', mode: 0o755, mtime }, program)
  for (const applet of applets) {
    if (applet !== 'busybox') archive.entry({ name: `bin/${applet}`, type: 'link', linkname: 'bin/busybox', mode: 0o755, mtime })
  }
  archive.entry(
    { name: 'etc/passwd', mode: 0o644, mtime },
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nguest:x:1000:1000:guest:/home:/bin/sh\n',
  )
  archive.entry({ name: 'etc/group', mode: 0o644, mtime }, 'root:x:0:\ndaemon:x:1:\nwheel:x:10:guest\nguest:x:1000:\n')
  archive.finalize()
  return Readable.from(archive)
}
