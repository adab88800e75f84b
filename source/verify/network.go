package verify

import (
	"context"
	"errors"
	"net/netip"

	"sever/source"
)

// ProvesSender reports whether this verifier alone can tell the sender from others. An ip
// list cannot: everyone behind the same proxy or cloud has the address. A source needs at
// least one verifier that does, or insecure: true.
func (c Config) ProvesSender() bool { return c.Type != "ip" && c.Type != "none" }

var errOtherNetwork = errors.New("the sender's address is in none of the networks")

// networks are the addresses that may send.
type networks []netip.Prefix

func newNetworks(texts []string) (source.Verifier, error) { //nolint:ireturn // one of the constructors of New
	if len(texts) == 0 {
		return nil, errors.New("verify.networks: no network given")
	}
	all := make(networks, 0, len(texts))
	for _, text := range texts {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, err
		}
		all = append(all, network)
	}
	return all, nil
}

// parseNetwork reads a network or a single address. An IPv4 network written as IPv6 is
// taken as what it is, since addresses are compared so.
func parseNetwork(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, errors.New("no network or address")
		}
		network = netip.PrefixFrom(address, address.BitLen())
	}
	if address := network.Addr(); address.Is4In6() {
		if network.Bits() < 96 {
			return netip.Prefix{}, errors.New("a mix of IPv4 and other addresses")
		}
		network = netip.PrefixFrom(address.Unmap(), network.Bits()-96)
	}
	if network.Bits() == 0 {
		return netip.Prefix{}, errors.New("the whole internet")
	}
	return network.Masked(), nil
}

func (n networks) Early(req source.Request) error {
	address := req.Remote.Unmap()
	for _, network := range n {
		if network.Contains(address) { // never, if the address is not valid
			return nil
		}
	}
	return errOtherNetwork
}

func (n networks) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	return source.Verified{}, n.Early(req)
}
