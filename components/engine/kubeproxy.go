package main

import (
	"context"

	"github.com/spf13/pflag"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-proxy/app"
)

func kubeProxyCommand() int {
	return cli.Run(app.NewProxyCommand())
}

// prepareKubeProxy does what the command does, but leaves the logging settings to the kubelet. It ignores its context once it
// runs; its rules are meant to stay in place when it stops.
func prepareKubeProxy(args []string) (func(context.Context) error, error) {
	settings := app.NewOptions()
	own := pflag.NewFlagSet("kube-proxy", pflag.ContinueOnError)
	settings.AddFlags(own)
	flags, err := parseFlags("kube-proxy", args, own)
	if err != nil {
		return nil, err
	}
	if err := settings.Complete(flags); err != nil {
		return nil, err
	}
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return uncancellable(ctx, func() error { return settings.Run(ctx) })
	}, nil
}
