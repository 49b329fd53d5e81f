// Command engine holds the Kubernetes components, containerd, flannel, helm and etcd in one binary, so that all its processes
// share their pages. The program to be is named by argv[0] or, under any other name, by the first argument.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// applets run with os.Args set as if they were programs of their own, and return the exit code.
var applets = map[string]func() int{
	"kube-apiserver":          kubeAPIServerCommand,
	"kube-controller-manager": kubeControllerManagerCommand,
	"kube-scheduler":          kubeSchedulerCommand,
	"kubelet":                 kubeletCommand,
	"kube-proxy":              kubeProxyCommand,
	"flannel":                 flannelCommand,
	"kubectl":                 kubectlCommand,
	"helm":                    helmCommand,
	"containerd":              containerdCommand,
	"ctr":                     ctrCommand,
	"etcd":                    etcdCommand,
	"etcdctl":                 etcdctlCommand,
	"etcdutl":                 etcdutlCommand,
	"control-plane":           controlPlaneCommand,
	"node":                    nodeCommand,
}

func main() {
	endWithParent()
	// Half the collector's usual head room: about 50 MB less per control plane at no visible cost.
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(50)
	}
	name := filepath.Base(os.Args[0])
	applet, found := applets[name]
	if !found && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		name = os.Args[0]
		applet, found = applets[name]
	}
	if !found {
		names := slices.Sorted(maps.Keys(applets))
		fmt.Fprintf(os.Stderr, "engine: there is no applet %q; use one of: %s\n", name, strings.Join(names, ", "))
		os.Exit(2)
	}
	os.Exit(applet())
}
