/**
 * Tests of the integration suite that cannot hold without root on a plain kernel, with the reason: by file, and the whole name of the
 * test; an asterisk at the end stands for all that begin so. They are run all the same and must fail, so that an entry that is
 * no longer true is noticed.
 */
export const denied: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'abort.test.ts': {
    'pause > aborted at any point it rejects with the reason or is done, and leaves only what is listed': noCgroup(),
    'stats > *': noCgroup(),
  },
  'confinement.test.ts': {
    'seccomp > a filter is active, and refuses what it should':
      'The kernel asks for a capability of the host before it looks at the argument of swapoff(2).',
    'security > what is dangerous is hidden or read-only, unless it is asked for':
      'The domain name in /proc/sys belongs to the root of the host, also in a UTS namespace of the container.',
  },
  'interop.test.ts': {
    'what is saved here > *': skopeo(),
    'what others write > is loaded: skopeo’s *': skopeo(),
    'what others write > is loaded: an image that umoci changed, with a layer more': skopeo(),
  },
  'life.test.ts': { "a container's life > pauses and goes on": noCgroup() },
  'limits.test.ts': { '*': noCgroup() },
  'list.test.ts': { 'list > filters by {"status":"running"}': noCgroup(), 'list > filters by {"status":["created","paused"]}': noCgroup() },
  'mounts.test.ts': {
    'bind mounts > U gives the source to the container’s user; z and Z mean nothing without SELinux':
      'The test gives a folder of the host to another user, which takes root.',
  },
  'namespaces.test.ts': {
    'namespaces > a monitor has a procfs of its own, unless the container is to see the host’s':
      'A procfs of all processes may be mounted only by the root of the host.',
    'network > host: the host’s own links, names and resolver':
      'The sysfs of the host is shown, which is of another network than the one that the tests have for themselves.',
  },
  'open.test.ts': {
    'a place that cannot be used > is told when it is read-only': mounting(),
    'a missing program > is named, with how to install it: *': mounting(),
    'a missing program > is named: every OCI runtime': mounting(),
  },
  'pods.test.ts': {
    'a pod > is paused as one': noCgroup(),
    'the cgroup of a pod > *': noCgroup(),
    'what is told of a pod > stats and processes': noCgroup(),
  },
  'signals.test.ts': {
    'restart and pause > what is paused can be killed and stopped': noCgroup(),
    'restart and pause > events tell of each': noCgroup(),
  },
  'states.test.ts': {
    'a container that is paused > *': noCgroup(),
    'a container that is running > pause': noCgroup(),
    'a container that is running > stats': noCgroup(),
    'a container that is stopping > stats': noCgroup(),
  },
  'wait.test.ts': { 'wait > for every state by its name': noCgroup() },
}

/** Files that are left out: they cannot even begin, or take long and could tell nothing new. */
export const deniedFiles: Readonly<Record<string, string>> = {
  'full-disk.test.ts': 'It mounts a small disk, which takes root.',
  'volumes.test.ts': 'It makes root file systems with files of several owners, which takes root; rootless/volumes.test.ts stands for it.',
  'verb-options.test.ts': 'It makes a network of the usual driver, which takes root.',
  'process.test.ts': 'Not denied: it takes half a minute to wait for processes to end, which has nothing to do with who starts them.',
}

function noCgroup(): string {
  return 'Without systemd, or with cgroup v1, an ordinary user has no cgroups to limit, to count, or to freeze his containers with.'
}

function mounting(): string {
  return 'It mounts something over programs and folders of the host, which takes root.'
}

function skopeo(): string {
  return 'skopeo gives files that it unpacks to the owner that the archive names, which takes root.'
}
