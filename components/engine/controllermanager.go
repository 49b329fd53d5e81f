package main

import (
	"context"

	"k8s.io/component-base/cli"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
)

func kubeControllerManagerCommand() int {
	return cli.Run(app.NewControllerManagerCommand())
}

// prepareControllerManager does what the command does. It waits for the API server first: without one, reading the
// authentication settings from the cluster fails and the first attempts of every informer back off.
func prepareControllerManager(args []string) (func(context.Context) error, error) {
	settings, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return nil, err
	}
	named := settings.Flags(app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases())
	settings.ParsedFlags = &named
	flags, err := parseFlags("kube-controller-manager", args, flagSets(named)...)
	if err != nil {
		return nil, err
	}
	if err := settings.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	gates := settings.ComponentGlobalsRegistry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	if err := applyLogging("kube-controller-manager", settings.Logs, gates); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := awaitAPIServer(ctx, flags); err != nil {
			return err
		}
		// Event broadcasters made here must outlive the beginning of the stop.
		config, err := settings.Config(context.WithoutCancel(ctx), app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases())
		if err != nil {
			return err
		}
		return elected(ctx, config.Kubeconfig, &config.ComponentConfig.Generic.LeaderElection, func(ctx context.Context) error {
			return app.Run(ctx, config.Complete())
		})
	}, nil
}
