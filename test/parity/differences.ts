/** What of a machine decides whether a difference is there. */
export type MachineFact = 'Podman 4' | 'Podman 5' | 'crun' | 'nofile is limited' | 'nproc is limited'

/** A difference between Podman's `config.json` and ours that is meant. */
export interface MeantDifference {
  /** The field's path, its words parted by blanks; `*` stands for any one word. */
  readonly path: string
  readonly why: string
  /** It occurs in exactly these cases; in all of them if not given. */
  readonly cases?: readonly string[]
  /** It occurs in all cases but these. */
  readonly except?: readonly string[]
  /** It occurs only where all of these hold. */
  readonly where?: readonly MachineFact[]
  /** It depends on what the machine lets Podman do, and so need not occur. */
  readonly sometimes?: true
}

const privileged = ['privileged', 'privileged, as a user', 'all of the host, privileged']
const hostIpc = ['IPC of the host', 'all of the host, privileged']
const hostNetwork = ['network of the host', 'all of the host, privileged']
const configured = ['image with a configuration', 'image with a configuration, other command', 'image with a configuration, other all']

const ownPath = 'each engine keeps its files in its own place'
const saysOnly = 'Podman 4 also writes down what is as usual; Podman 5 and we only what is not'
const forSystemd = 'Podman 5 tells systemd how to stop the scope of a container when the machine is shut down; we do not yet'

export const meantDifferences: readonly MeantDifference[] = [
  { path: 'ociVersion', why: 'we write what was released and every runtime of today takes, not the version of a library' },

  { path: 'root path', why: ownPath },
  { path: 'mounts /etc/hosts source', why: ownPath },
  { path: 'mounts /etc/hostname source', why: ownPath },
  { path: 'mounts /etc/resolv.conf source', why: ownPath, cases: hostNetwork },
  { path: 'mounts /run/.containerenv source', why: ownPath },
  { path: 'mounts /dev/shm source', why: ownPath, except: hostIpc },

  { path: 'annotations io.kubernetes.cri-o.Created', why: 'it is in the record; Podman 5 left it out too', where: ['Podman 4'] },
  { path: 'annotations io.kubernetes.cri-o.TTY', why: 'process.terminal says it; Podman 5 left it out too', where: ['Podman 4'] },
  { path: 'annotations io.podman.annotations.publish-all', why: saysOnly, where: ['Podman 4'] },
  {
    path: 'annotations io.podman.annotations.autoremove',
    why: saysOnly,
    except: ['removed when it has ended'],
    where: ['Podman 4'],
  },
  { path: 'annotations io.podman.annotations.init', why: saysOnly, except: ['init'], where: ['Podman 4'] },
  { path: 'annotations io.podman.annotations.privileged', why: saysOnly, except: privileged, where: ['Podman 4'] },
  { path: 'annotations org.systemd.property.KillSignal', why: forSystemd, where: ['Podman 5'] },
  { path: 'annotations org.systemd.property.TimeoutStopUSec', why: forSystemd, where: ['Podman 5'] },
  {
    path: 'annotations run.oci.seccomp_bpf_data',
    why: 'crun takes the filter compiled, which saves it most of its time; the filter itself is there too',
    except: [...privileged, 'no seccomp'],
    where: ['crun'],
  },

  {
    path: 'process rlimits RLIMIT_NOFILE *',
    why: 'Podman 4 asks for more than it may, and the container does not start; Podman 5 and we ask for what can be had',
    cases: ['usual limits'],
    where: ['Podman 4', 'nofile is limited'],
  },
  {
    path: 'process rlimits RLIMIT_NPROC *',
    why: 'Podman 4 takes kernel.pid_max instead of 1,048,576, as Podman 5 and we do',
    cases: ['usual limits'],
    where: ['Podman 4'],
  },
  {
    path: 'process rlimits RLIMIT_NPROC *',
    why: 'Podman 4 asks for more than it may, and the container does not start; Podman 5 and we ask for what can be had',
    cases: ['ulimits'],
    where: ['Podman 4', 'nproc is limited'],
  },
  {
    path: 'process rlimits * *',
    why: "'host' is to leave the limits of the host alone; Podman 4 writes its usual ones all the same, but not under every limit of its own",
    cases: ['ulimits of the host'],
    sometimes: true,
  },
  {
    path: 'linux resources pids limit',
    why: 'no limit is -1 in the specification of today, 0 was left to the runtimes',
    cases: ['no limit of processes'],
  },

  {
    path: 'process env HOME',
    why: 'a program without HOME behaves oddly; Podman 5 gives "/" too',
    cases: ['user by number, not in passwd'],
    where: ['Podman 4'],
  },
  {
    path: 'process env TERM',
    why: 'as Podman 4: programs that run without a terminal may still ask for it',
    except: ['program, environment, working directory and host name', 'terminal'],
    where: ['Podman 5'],
  },

  {
    path: 'linux maskedPaths',
    why: 'we hide /sys/devices/virtual/powercap, which tells what others compute; so does Podman 5',
    except: [...privileged, 'unmask all'],
    where: ['Podman 4'],
  },
  {
    path: 'linux maskedPaths',
    why: 'we still hide /sys/dev/block, as Podman 4 does',
    except: [...privileged, 'unmask all', 'unmask'],
    where: ['Podman 5'],
  },
  { path: 'mounts /dev options', why: 'we keep noexec, as Podman 4 does', where: ['Podman 5'] },
  {
    path: 'mounts /dev/shm options',
    why: '/dev and /dev/shm stay writable, as with Podman 4: many programs need them',
    cases: ['read-only, without tmpfs'],
    where: ['Podman 5'],
  },
  {
    path: 'mounts /run/.containerenv *',
    why: 'a program can see by it that it is in a container; Podman 5 has it with a read-only root too',
    cases: ['read-only'],
    where: ['Podman 4'],
  },
  { path: 'mounts /run/podman-init options', why: 'rprivate, as for every other mount of ours', cases: ['init'], where: ['Podman 5'] },
  { path: 'mounts /home source', why: ownPath, cases: configured },
  {
    path: 'mounts /home options',
    why: 'Podman also says that programs may be executed there, which is so unless it is forbidden',
    cases: configured,
  },
]
