# Makes the containers of the parity test with Podman, prints their config.json, and removes them.
#
#     unshare --mount --pid --fork --kill-child --mount-proc sh podman.sh FOLDER RUNTIME PID_MAX
#
# FOLDER has rootfs.tar, containers.conf, a file `imports` with the arguments of `podman import`, one import a line, and a file
# `cases` with those of `podman create`, one container a line, all quoted for the shell. A line of the output is
# {"id":…,"started":…,"config":…}. All that Podman writes goes to memory that only this mount namespace sees, and all that it starts
# ends with the process namespace.
set -eu
folder=$1 runtime=$2
# Podman 4 makes a limit of it, and a new process namespace may have another one than the machine.
echo "$3" >/proc/sys/kernel/pid_max
store=$folder/store
mkdir "$store"
mount -t tmpfs tmpfs "$store"
for directory in etc run var/lib; do
  mkdir -p "$store/upper/$directory" "$store/work/$directory"
  mount -t overlay overlay -o "lowerdir=/$directory,upperdir=$store/upper/$directory,workdir=$store/work/$directory" "/$directory"
done
mkdir -p /etc/containers/containers.conf.d
cp "$folder/containers.conf" /etc/containers/containers.conf.d/99-parity.conf

call_podman() {
  podman --root "$store/root" --runroot "$store/run" --tmpdir "$store/tmp" --storage-driver overlay \
    --runtime "$runtime" --runtime-flag "root=$store/runtime" --cgroup-manager cgroupfs "$@"
}

trap 'call_podman rm --all --force --time 0 >/dev/null' EXIT

while read -r line; do
  eval "call_podman import $line" >/dev/null
done <"$folder/imports"

while read -r line; do
  id=$(eval "call_podman create $line")
  if call_podman init "$id" >/dev/null 2>"$store/refusal"; then started=true; else started=false; cat "$store/refusal" >&2; fi
  printf '{"id":"%s","started":%s,"config":' "$id" "$started"
  cat "$store/root/overlay-containers/$id/userdata/config.json"
  printf '}\n'
done <"$folder/cases"
