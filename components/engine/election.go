package main

import (
	"context"
	"errors"
	"os"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	componentbaseconfig "k8s.io/component-base/config"
)

// elected runs a component only while it holds the lease that its settings name, if they ask for one. It takes the election out
// of the component's hands, because those that upstream runs call os.Exit when they lose or give up the lease, and would take
// the API server along before it has drained its requests.
func elected(ctx context.Context, config *rest.Config, settings *componentbaseconfig.LeaderElectionConfiguration, run func(context.Context) error) error {
	if !settings.LeaderElect {
		return run(ctx)
	}
	settings.LeaderElect = false
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	lock, err := resourcelock.NewFromKubeconfig(settings.ResourceLock, settings.ResourceNamespace, settings.ResourceName,
		resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())}, config, settings.RenewDeadline.Duration)
	if err != nil {
		return err
	}
	ctx, release := context.WithCancel(ctx)
	defer release()
	ended := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name:            settings.ResourceName,
		Lock:            lock,
		LeaseDuration:   settings.LeaseDuration.Duration,
		RenewDeadline:   settings.RenewDeadline.Duration,
		RetryPeriod:     settings.RetryPeriod.Duration,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				ended <- run(ctx)
				release()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	wanted := ctx.Err
	elector.Run(ctx)
	if wanted() == nil {
		return errors.New("it lost its lease")
	}
	select {
	case err := <-ended:
		return err
	default:
		return nil
	}
}
