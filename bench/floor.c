// The floor of a container's life: conmon, create, start, wait for the exit file, delete. Nothing else: no store, no
// mounts, no config.json of its own. It runs the bundle that the engine wrote.
//
//   floor RUNTIME RUNTIME_ROOT CONMON BUNDLE RUN_DIR COUNT [CONCURRENT]     prints one line of milliseconds for each life
//
// With CONCURRENT it prints one line for all lives; each lane has a bundle of its own, BUNDLE-0, BUNDLE-1 and so on, because two
// containers cannot have one cgroup.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void die(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static pid_t run(char *const argv[], const int keep[], int kept, char *const env[]) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_RDWR, 0);
  for (int i = 0; i < kept; i++) posix_spawn_file_actions_adddup2(&actions, keep[i], 3 + i);
  pid_t pid;
  if ((errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, env)) != 0) die(argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

static int finish(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) die("waitpid");
  return status;
}

static void life(char *runtime, char *root, char *conmon, char *bundle, char *dir, int lane, int number, int watch) {
  char id[80], pidfile[600], exits[600], log[600], conmonpid[600];
  snprintf(id, sizeof id, "floor-%d-%d-%d", getpid(), lane, number);
  snprintf(exits, sizeof exits, "%s/exits", dir);
  snprintf(pidfile, sizeof pidfile, "%s/%s.pid", dir, id);
  snprintf(conmonpid, sizeof conmonpid, "%s/%s.conmon", dir, id);
  snprintf(log, sizeof log, "k8s-file:%s/%s.log", dir, id);
  int sync_pipe[2], start_pipe[2];
  if (pipe2(sync_pipe, O_CLOEXEC) || pipe2(start_pipe, O_CLOEXEC)) die("pipe");
  // The child's descriptors 3 and 4 must not be overwritten before they are copied.
  int ours[2] = {fcntl(sync_pipe[1], F_DUPFD_CLOEXEC, 20), fcntl(start_pipe[0], F_DUPFD_CLOEXEC, 20)};
  char *argv[] = {conmon, "--api-version", "-c", id, "-u", id, "-r", runtime, "-b", bundle, "-p", pidfile, "-n", id, "--exit-dir", exits,
                  "--full-attach", "--no-sync-log", "-l", log, "--conmon-pidfile", conmonpid, "--runtime-arg", "--root", "--runtime-arg", root, NULL};
  char *env[] = {"_OCI_SYNCPIPE=3", "_OCI_STARTPIPE=4", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
  pid_t monitor = run(argv, ours, 2, env);
  close(ours[0]), close(ours[1]), close(sync_pipe[1]), close(start_pipe[0]);
  if (write(start_pipe[1], "", 1) != 1) die("start pipe");
  close(start_pipe[1]);
  char answer[4096];
  ssize_t got = read(sync_pipe[0], answer, sizeof answer - 1);
  if (got <= 0 || strstr(answer, "-1") != NULL) die("conmon did not create the container");
  close(sync_pipe[0]);
  finish(monitor);
  char *start[] = {runtime, "--root", root, "start", id, NULL};
  if (finish(run(start, NULL, 0, environ)) != 0) die("start");
  char exit_file[700];
  snprintf(exit_file, sizeof exit_file, "%s/%s", exits, id);
  while (access(exit_file, F_OK) != 0) {
    struct pollfd wait = {.fd = watch, .events = POLLIN};
    poll(&wait, 1, 1000);
    char events[65536];
    if (read(watch, events, sizeof events) < 0 && errno != EAGAIN) die("inotify");
  }
  unlink(exit_file);
  char *delete[] = {runtime, "--root", root, "delete", id, NULL};
  if (finish(run(delete, NULL, 0, environ)) != 0) {
    char *force[] = {runtime, "--root", root, "delete", "--force", id, NULL};
    if (finish(run(force, NULL, 0, environ)) != 0) die("delete");
  }
}

int main(int argc, char **argv) {
  if (argc < 7) {
    fprintf(stderr, "usage: floor RUNTIME RUNTIME_ROOT CONMON BUNDLE RUN_DIR COUNT [CONCURRENT]\n");
    return 2;
  }
  int count = atoi(argv[6]), lanes = argc > 7 ? atoi(argv[7]) : 1;
  char exits[600];
  snprintf(exits, sizeof exits, "%s/exits", argv[5]);
  mkdir(argv[5], 0700), mkdir(exits, 0700), mkdir(argv[2], 0700);
  double begin = now_ms();
  for (int lane = 0; lane < lanes; lane++) {
    if (lanes > 1 && fork() != 0) continue;
    char bundle[600];
    snprintf(bundle, sizeof bundle, lanes > 1 ? "%s-%d" : "%s", argv[4], lane);
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, exits, IN_MOVED_TO) < 0) die("inotify");
    for (int i = lane; i < count; i += lanes) {
      double from = now_ms();
      life(argv[1], argv[2], argv[3], bundle, argv[5], lane, i, watch);
      if (lanes == 1) printf("%.3f\n", now_ms() - from);
    }
    if (lanes > 1) return 0;
  }
  if (lanes > 1) {
    for (int status; wait(&status) > 0;)
      if (status != 0) return 1;
    printf("%.3f\n", now_ms() - begin);
  }
  return 0;
}
