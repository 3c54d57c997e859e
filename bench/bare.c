// The bare time of a program: posix_spawn, wait, nothing else. Its output goes nowhere.
//
//   bare COUNT PROGRAM ARGUMENT…     prints one line of milliseconds for each run; a run that fails ends it all
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: bare COUNT PROGRAM ARGUMENT...\n");
    return 2;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_RDWR, 0);
  for (int i = 0; i < atoi(argv[1]); i++) {
    double from = now_ms();
    pid_t pid;
    int status;
    if ((errno = posix_spawnp(&pid, argv[2], &actions, NULL, argv + 2, environ)) != 0) {
      fprintf(stderr, "bare: %s: %s\n", argv[2], strerror(errno));
      return 1;
    }
    while (waitpid(pid, &status, 0) < 0)
      if (errno != EINTR) return 1;
    if (status != 0) {
      fprintf(stderr, "bare: %s failed\n", argv[2]);
      return 1;
    }
    printf("%.3f\n", now_ms() - from);
  }
  return 0;
}
