package main

import (
	"context"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kubelet/app"
)

func kubeletCommand() int {
	return cli.Run(app.NewKubeletCommand(context.Background()))
}

// prepareKubelet runs the command itself: it alone knows how flags, --config and --config-dir are merged. It listens to signals
// on its own; nothing else in this process may call SetupSignalContext. Stopping it early loses nothing, its pods go on.
func prepareKubelet(args []string) (func(context.Context) error, error) {
	return func(ctx context.Context) error {
		command := app.NewKubeletCommand(ctx)
		command.SetArgs(args)
		command.SilenceErrors = true
		return uncancellable(ctx, func() error { return command.ExecuteContext(ctx) })
	}, nil
}
