package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// endWithParent makes the kernel kill this process when the one that started it is gone, however that ended: the supervisor holds
// the datastore, nothing here can go on without it, and a new supervisor needs the ports. Killing is safe: no component keeps
// state that a crash could damage, and pods are children of their shims.
// Asked for by K3S_END_WITH_PARENT=<pid of the parent>.
func endWithParent() {
	const variable = "K3S_END_WITH_PARENT"
	value, set := os.LookupEnv(variable)
	if !set {
		return
	}
	os.Unsetenv(variable)
	parent, err := strconv.Atoi(value)
	if err != nil {
		fmt.Fprintf(os.Stderr, "engine: %s=%q is not a process id\n", variable, value)
		os.Exit(2)
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0); errno != 0 {
		fmt.Fprintf(os.Stderr, "engine: cannot follow the parent process: %v\n", errno)
		os.Exit(1)
	}
	// It may have ended before the kernel was told to watch it.
	if os.Getppid() != parent {
		os.Exit(1)
	}
}
