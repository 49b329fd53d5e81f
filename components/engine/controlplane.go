package main

// controlPlaneCommand runs the control plane in one process, which takes about 50 MB less than one process for each part.
func controlPlaneCommand() int {
	return superviseCommand([]component{
		{name: "kube-apiserver", prepare: prepareAPIServer, outlivesOthers: true},
		{name: "kube-controller-manager", prepare: prepareControllerManager},
		{name: "kube-scheduler", prepare: prepareScheduler},
	})
}
