package main

import (
	"context"
	"time"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

func kubeAPIServerCommand() int {
	return cli.Run(app.NewAPIServerCommand())
}

// prepareAPIServer does what the command does, without its SetupSignalContext, which may be called only once in a process.
func prepareAPIServer(args []string) (func(context.Context) error, error) {
	settings := options.NewServerRunOptions()
	// Without a grace period the server waits up to a minute for watches, of which every cluster has some, to end by themselves.
	settings.GenericServerRunOptions.ShutdownWatchTerminationGracePeriod = time.Second
	if _, err := parseFlags("kube-apiserver", args, flagSets(settings.Flags())...); err != nil {
		return nil, err
	}
	registry := settings.GenericServerRunOptions.ComponentGlobalsRegistry
	if err := registry.Set(); err != nil {
		return nil, err
	}
	// The server's own loopback clients must not log the warnings that it answers them with.
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	gates := registry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	if err := applyLogging("kube-apiserver", settings.Logs, gates); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		completed, err := settings.Complete(ctx)
		if err != nil {
			return err
		}
		if errs := completed.Validate(); len(errs) > 0 {
			return utilerrors.NewAggregate(errs)
		}
		if mutable, ok := gates.(featuregate.MutableFeatureGate); ok {
			mutable.AddMetrics()
		}
		registry.AddMetrics()
		return app.Run(ctx, completed)
	}, nil
}
