package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/hostgw"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan"
	_ "github.com/flannel-io/flannel/pkg/backend/wireguard"
	"github.com/flannel-io/flannel/pkg/ipmatch"
	"github.com/flannel-io/flannel/pkg/subnet"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"github.com/flannel-io/flannel/pkg/trafficmngr"
	"github.com/flannel-io/flannel/pkg/trafficmngr/iptables"
	"github.com/flannel-io/flannel/pkg/trafficmngr/nftables"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// resyncSeconds is how often flannel puts back rules that somebody removed.
const resyncSeconds = 60

// flannelSettings are what upstream's own main, which cannot be built from its module, takes as flags.
type flannelSettings struct {
	kubeconfig string
	nodeName   string
	netConf    string
	subnetFile string
	iface      string
	publicIP   string
	publicIPv6 string
	nftables   bool
}

func flannelCommand() int {
	run, err := prepareFlannel(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "flannel: %v\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "flannel: %v\n", err)
		return 1
	}
	return 0
}

func prepareFlannel(args []string) (func(context.Context) error, error) {
	settings := flannelSettings{}
	own := pflag.NewFlagSet("flannel", pflag.ContinueOnError)
	own.StringVar(&settings.kubeconfig, "kubeconfig", "", "kubeconfig of an identity that may list nodes and patch their status")
	own.StringVar(&settings.nodeName, "node-name", "", "the Node that this machine is")
	own.StringVar(&settings.netConf, "net-conf", "", "file with flannel's network configuration; it chooses the backend")
	own.StringVar(&settings.subnetFile, "subnet-file", "/run/flannel/subnet.env", "file that the node's subnet is written to")
	own.StringVar(&settings.iface, "iface", "", "name or address of the interface between nodes; default: that of --public-ip, else of the default route")
	own.StringVar(&settings.publicIP, "public-ip", "", "address under which other nodes reach this one")
	own.StringVar(&settings.publicIPv6, "public-ipv6", "", "the same for IPv6")
	own.BoolVar(&settings.nftables, "nftables", false, "use nftables instead of iptables")
	if _, err := parseFlags("flannel", args, own); err != nil {
		return nil, err
	}
	for _, name := range []string{"kubeconfig", "node-name", "net-conf"} {
		if own.Lookup(name).Value.String() == "" {
			return nil, fmt.Errorf("--%s is missing", name)
		}
	}
	content, err := os.ReadFile(settings.netConf)
	if err != nil {
		return nil, fmt.Errorf("--net-conf: %w", err)
	}
	if _, err := subnet.ParseConfig(string(content)); err != nil {
		return nil, fmt.Errorf("--net-conf %s: %w", settings.netConf, err)
	}
	// The subnet manager knows its node only by this variable.
	if err := os.Setenv("NODE_NAME", settings.nodeName); err != nil {
		return nil, err
	}
	return settings.run, nil
}

// run keeps the overlay up until the context ends. Failures of setting it up are retried here, so that they do not take the
// kubelet in the same process along.
func (s flannelSettings) run(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := s.overlay(ctx)
		if ctx.Err() != nil {
			return nil
		}
		report("flannel: %v; next attempt in %s", err, wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// overlay sets the node's part of the network up and serves it until the context ends.
func (s flannelSettings) overlay(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()

	if err := s.awaitPodCIDR(ctx); err != nil {
		return err
	}
	manager, err := kube.NewSubnetManager(ctx, "", s.kubeconfig, "flannel.alpha.coreos.com", s.netConf, false)
	if err != nil {
		return err
	}
	config, err := manager.GetNetworkConfig(ctx)
	if err != nil {
		return err
	}
	iface, err := s.externalInterface(ctx, manager, config)
	if err != nil {
		return err
	}
	driver, err := backend.NewManager(ctx, manager, iface).GetBackend(config.BackendType)
	if err != nil {
		return fmt.Errorf("backend %q: %w", config.BackendType, err)
	}
	network, err := driver.RegisterNetwork(ctx, &background, config)
	if err != nil {
		return fmt.Errorf("backend %q: %w", config.BackendType, err)
	}
	if err := s.installRules(ctx, config, network); err != nil {
		return err
	}
	lease := network.Lease()
	if err := manager.HandleSubnetFile(s.subnetFile, config, true, lease.Subnet, lease.IPv6Subnet, network.MTU()); err != nil {
		return fmt.Errorf("--subnet-file: %w", err)
	}
	report("flannel: %s network is up, this node has %s", config.BackendType, lease.Subnet)
	if err := manager.CompleteLease(ctx, lease, &background); err != nil {
		return err
	}
	network.Run(ctx)
	return errors.New("the backend ended")
}

// awaitPodCIDR waits until the controller manager has given the node its range; flannel itself gives up when it has none.
// It reads from the API server's cache, as flannel's informer does next, so that the informer cannot be behind.
func (s flannelSettings) awaitPodCIDR(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	began := time.Now()
	for attempt := 0; ; attempt++ {
		node, err := client.CoreV1().Nodes().Get(ctx, s.nodeName, metav1.GetOptions{ResourceVersion: "0"})
		switch {
		case err == nil && node.Spec.PodCIDR != "":
			return nil
		case err != nil && attempt%100 == 99:
			report("flannel: still waiting for node %s after %s: %v", s.nodeName, time.Since(began).Round(time.Second), err)
		case attempt%100 == 99:
			report("flannel: still waiting for node %s to get a pod CIDR after %s", s.nodeName, time.Since(began).Round(time.Second))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s flannelSettings) externalInterface(ctx context.Context, manager subnet.Manager, config *subnet.Config) (*backend.ExternalInterface, error) {
	family, err := ipmatch.GetIPFamily(config.EnableIPv4, config.EnableIPv6)
	if err != nil {
		return nil, err
	}
	public := ipmatch.PublicIPOpts{PublicIP: s.publicIP, PublicIPv6: s.publicIPv6}
	// Annotations on the Node that overwrite the address win over flags.
	v4, v6 := manager.GetStoredPublicIP(ctx)
	if v4 != "" {
		public.PublicIP = v4
	}
	if v6 != "" {
		public.PublicIPv6 = v6
	}
	for _, name := range []string{s.iface, s.publicIP, s.publicIPv6} {
		if name != "" {
			return ipmatch.LookupExtIface(name, "", "", family, public)
		}
	}
	return ipmatch.LookupExtIface("", "", "", family, public)
}

// installRules masquerades what leaves the pod network and lets pod traffic be forwarded. Rules left by a start with the other
// kind of firewall are removed.
func (s flannelSettings) installRules(ctx context.Context, config *subnet.Config, network backend.Network) error {
	var wanted, other trafficmngr.TrafficManager = &iptables.IPTablesManager{}, &nftables.NFTablesManager{}
	if s.nftables || config.EnableNFTables {
		wanted, other = other, wanted
	}
	if err := other.CleanUp(ctx); err != nil {
		report("flannel: rules of the other kind of firewall could not be removed: %v", err)
	}
	if err := wanted.Init(ctx); err != nil {
		return err
	}
	previous := readSubnetFile(s.subnetFile)
	err := wanted.SetupAndEnsureMasqRules(ctx,
		config.Network, previous.subnet, previous.network,
		config.IPv6Network, previous.subnetV6, previous.networkV6,
		network.Lease(), resyncSeconds, false)
	if err != nil {
		return fmt.Errorf("masquerade rules: %w", err)
	}
	wanted.SetupAndEnsureForwardRules(ctx, config.Network, config.IPv6Network, resyncSeconds)
	return nil
}
