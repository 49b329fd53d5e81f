package main

import (
	"math/big"
	"net"
	"os"
	"strings"

	"github.com/flannel-io/flannel/pkg/ip"
)

// subnetFile is what flannel wrote about the node at its last start; empty networks where it wrote nothing.
type subnetFile struct {
	network, subnet     ip.IP4Net
	networkV6, subnetV6 ip.IP6Net
}

func readSubnetFile(path string) subnetFile {
	result := subnetFile{networkV6: noIPv6(), subnetV6: noIPv6()}
	content, err := os.ReadFile(path)
	if err != nil {
		return result
	}
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		_, parsed, err := net.ParseCIDR(value)
		if err != nil {
			continue
		}
		switch key {
		case "FLANNEL_NETWORK":
			result.network = ip.FromIPNet(parsed)
		case "FLANNEL_SUBNET":
			result.subnet = ip.FromIPNet(parsed)
		case "FLANNEL_IPV6_NETWORK":
			result.networkV6 = ip.FromIP6Net(parsed)
		case "FLANNEL_IPV6_SUBNET":
			result.subnetV6 = ip.FromIP6Net(parsed)
		}
	}
	return result
}

func noIPv6() ip.IP6Net {
	return ip.IP6Net{IP: (*ip.IP6)(big.NewInt(0))}
}
