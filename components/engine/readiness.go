package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

// awaitAPIServer returns when the API server that the component's flags name says that it is ready, or with the context's
// error. A component whose flags name none (it has everything in its --config file) is not held back.
func awaitAPIServer(ctx context.Context, flags *pflag.FlagSet) error {
	kubeconfig, master := flags.Lookup("kubeconfig").Value.String(), flags.Lookup("master").Value.String()
	if kubeconfig == "" && master == "" {
		return nil
	}
	config, err := clientcmd.BuildConfigFromFlags(master, kubeconfig)
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	config.QPS = -1
	config.Timeout = 5 * time.Second
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	for {
		if err := client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
}
