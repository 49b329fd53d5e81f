/*
 * The first process of every pod: it holds the pod's namespaces and, where containers share the process namespace, reaps orphans.
 * Signals are awaited instead of handled, because the kernel drops unhandled signals to the first process of a namespace
 * unless they are blocked.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, NULL);
  for (;;) {
    switch (sigwaitinfo(&awaited, NULL)) {
    case SIGINT:
    case SIGTERM:
      return 0;
    case SIGCHLD:
      while (waitpid(-1, NULL, WNOHANG) > 0) {
      }
    }
  }
}
