package main

// nodeCommand runs a node's agents, all but the container runtime, in one process.
func nodeCommand() int {
	return superviseCommand([]component{
		{name: "kubelet", prepare: prepareKubelet},
		{name: "kube-proxy", prepare: prepareKubeProxy},
		{name: "flannel", prepare: prepareFlannel},
	})
}
