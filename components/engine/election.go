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
// the API server along before it has drained its requests. The lease is given up only after the component has ended.
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
	leading := make(chan context.Context, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name:            settings.ResourceName,
		Lock:            lock,
		LeaseDuration:   settings.LeaseDuration.Duration,
		RenewDeadline:   settings.RenewDeadline.Duration,
		RetryPeriod:     settings.RetryPeriod.Duration,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(lease context.Context) { leading <- lease },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	electing, release := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() {
		elector.Run(electing)
		close(over)
	}()
	defer func() {
		release()
		<-over
	}()
	select {
	case <-ctx.Done():
		return nil
	case lease := <-leading:
		running, stop := context.WithCancel(ctx)
		defer stop()
		defer context.AfterFunc(lease, stop)()
		err := run(running)
		if lease.Err() != nil {
			return errors.New("it lost its lease")
		}
		return err
	}
}
