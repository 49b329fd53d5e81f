package main

import (
	"context"

	"k8s.io/component-base/cli"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

func kubeSchedulerCommand() int {
	return cli.Run(app.NewSchedulerCommand())
}

// prepareScheduler does what the command does, without its SetupSignalHandler; it waits for the API server like the controller manager.
func prepareScheduler(args []string) (func(context.Context) error, error) {
	settings := options.NewOptions()
	flags, err := parseFlags("kube-scheduler", args, flagSets(*settings.Flags)...)
	if err != nil {
		return nil, err
	}
	if err := settings.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	gates := settings.ComponentGlobalsRegistry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	if err := applyLogging("kube-scheduler", settings.Logs, gates); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := awaitAPIServer(ctx, flags); err != nil {
			return err
		}
		config, scheduler, err := app.Setup(ctx, settings)
		if err != nil {
			return err
		}
		// Left to itself the scheduler would end the whole process when it gives up its lease.
		config.LeaderElection = nil
		return elected(ctx, config.KubeConfig, &config.ComponentConfig.LeaderElection, func(ctx context.Context) error {
			return app.Run(ctx, config, scheduler)
		})
	}, nil
}
