package config

import (
	"net/netip"
	"time"
)

// oktaTimeout is how long Okta waits for an answer before it counts the delivery as failed
// (https://developer.okta.com/docs/concepts/event-hooks/, "Timeout and retry").
const oktaTimeout = 3 * time.Second

// Receive bounds what senders may ask of us.
type Receive struct {
	MaxBody       Size          `yaml:"max_body" jsonschema:"default=4MiB,minimum=1KiB,maximum=5MiB" doc:"Largest delivery; a larger one gets 413, which Okta does not retry."`
	Timeout       time.Duration `yaml:"timeout" jsonschema:"default=2s,minimum=100ms" doc:"Most time for a whole request. Below 3s, because Okta waits no longer."`
	AppendTimeout time.Duration `yaml:"append_timeout" jsonschema:"default=1500ms,minimum=50ms" doc:"Most time for the durable write, after which the sender gets 503 and tries again. Below timeout."`
	MaxWaiting    Size          `yaml:"max_waiting" jsonschema:"default=64MiB,minimum=1KiB" doc:"Most bytes of deliveries held in memory while they wait to be written. At least max_body."`

	TrustedProxies   []string `yaml:"trusted_proxies" doc:"Addresses of your own proxies or load balancers, such as 10.0.0.0/8. Only they are believed when they say (X-Forwarded-For, X-Forwarded-Proto) who connects."`
	ClientCertHeader string   `yaml:"client_cert_header" doc:"The header in which such a proxy passes on a sender's client certificate, as PEM in URL encoding. For sources of verify type mtls."`
}

// Proxies are the trusted proxies.
func (c *Receive) Proxies() []netip.Prefix {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, text := range c.TrustedProxies {
		network, err := parseNetwork(text)
		if err == nil { // else Load has reported it
			networks = append(networks, network)
		}
	}

	return networks
}

// parseNetwork takes an address as the network of that one address.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}

	return netip.ParsePrefix(text) //nolint:wrapcheck // the caller says it in its own words
}

func (c *Receive) check(r *report) {
	if c.Timeout >= oktaTimeout && r.sound("receive.timeout") {
		r.add("receive.timeout", showDuration(c.Timeout)+" is not below 3s, the time Okta waits", "use 2s, or anything up to 2900ms")
	}
	r.below(span{"receive.append_timeout", c.AppendTimeout}, span{"receive.timeout", c.Timeout})
	if c.MaxWaiting < c.MaxBody && r.sound("receive.max_body", "receive.max_waiting") {
		r.add(r.firstWritten("receive.max_waiting", "receive.max_body"),
			"max_waiting ("+c.MaxWaiting.String()+") is below max_body ("+c.MaxBody.String()+")", "a single delivery must fit: raise max_waiting or lower max_body")
	}
	for i, text := range c.TrustedProxies {
		if _, err := parseNetwork(text); err != nil && r.sound(element("receive.trusted_proxies", i)) {
			r.add(element("receive.trusted_proxies", i), quote(text)+" is no network", "write an address or a network, such as 10.0.0.0/8")
		}
	}
	if c.ClientCertHeader != "" && len(c.TrustedProxies) == 0 {
		r.add("receive.client_cert_header", "no proxy is trusted to set it", "add receive.trusted_proxies")
	}
}
