package handlers

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"sever/source"
)

// Proxies may speak for a sender: they end its TLS and say where it connects from.
type Proxies struct {
	// Networks are the addresses of our own proxies. Nobody else's headers are believed.
	Networks []netip.Prefix
	// CertificateHeader is where they put the client certificate, as PEM in URL encoding
	// (nginx: $ssl_client_escaped_cert). Empty if they do not.
	CertificateHeader string
}

// request gathers what deciding about a request needs.
func (r *receiver) request(req *http.Request, now time.Time) source.Request {
	gathered := source.Request{
		Method: req.Method, URL: req.URL, Host: req.Host, Header: req.Header, Now: now,
		TLS: req.TLS != nil, Remote: peer(req),
	}
	if req.TLS != nil {
		gathered.Certificates = req.TLS.PeerCertificates
	}
	if r.config.Proxies.trusts(gathered.Remote) {
		r.config.Proxies.speakFor(&gathered)
	}
	return gathered
}

func peer(req *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}

func (p Proxies) trusts(addr netip.Addr) bool {
	for _, network := range p.Networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// speakFor takes what our proxy says of the sender.
func (p Proxies) speakFor(req *source.Request) {
	req.Remote = p.sender(req.Header.Values("X-Forwarded-For"), req.Remote)
	req.TLS = strings.EqualFold(req.Header.Get("X-Forwarded-Proto"), "https")
	req.Certificates = nil // the proxy's own
	if p.CertificateHeader != "" {
		req.Certificates = certificate(req.Header.Get(p.CertificateHeader))
	}
}

// sender is the last address in X-Forwarded-For that is none of our proxies: what stands
// before it is what the sender claims.
func (p Proxies) sender(forwarded []string, nearest netip.Addr) netip.Addr {
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return nearest
		}
		nearest = addr.Unmap()
		if !p.trusts(nearest) {
			return nearest
		}
	}
	return nearest
}

func certificate(escaped string) []*x509.Certificate {
	text, err := url.PathUnescape(escaped) // which leaves a plus of base64 alone
	if err != nil {
		return nil
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return []*x509.Certificate{parsed}
}
