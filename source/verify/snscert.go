package verify

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"sever/source"
)

const (
	maxSNSCertificate = 64 << 10 // bytes
	maxSNSCached      = 16       // good ones, and as many bad ones
	snsCertTimeout    = 2 * time.Second
	snsCertRetry      = 30 * time.Second
	// Anyone can name certificates that do not exist: so many are looked for at once, then
	// one a second. A good one is fetched once and kept.
	snsFetchBurst = 16
)

var (
	errSNSCertificate = errors.New("the signing certificate is not one of Amazon SNS, or not valid at this time")

	// snsCertName matches the names that certificates have, by region:
	// sns.amazonaws.com, sns-signing.REGION.amazonaws.com, sns-REGION.amazonaws.com
	// (SnsHostProvider of the AWS SDK for Java 2).
	snsCertName = regexp.MustCompile(`^sns(-signing\.[a-z0-9-]+|-[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$`)
)

// snsCertificates fetches signing certificates and keeps a few.
//
// What vouches for one is the TLS connection to a host of SNS, as in Amazon's own SDKs: the
// file holds the certificate alone, without the intermediate ones that a chain to a root
// would need. Name, dates and key are checked besides.
type snsCertificates struct {
	client *http.Client
	limit  *rate.Limiter
	flight singleflight.Group

	mu   sync.Mutex
	good snsCache
	bad  snsCache
}

// snsCache holds the newest entries, the most recently used last.
type snsCache []snsEntry

type snsEntry struct {
	url         string
	certificate *x509.Certificate
	err         error
	at          time.Time
}

func newSNSCertificates(client *http.Client) *snsCertificates {
	return &snsCertificates{client: withoutRedirects(client), limit: rate.NewLimiter(rate.Every(time.Second), snsFetchBurst)}
}

// key gives the key of the certificate at url, which must have passed snsCertURL. An error
// wraps source.ErrUnavailable if the certificate could not be had.
func (c *snsCertificates) key(ctx context.Context, url string, now time.Time) (*rsa.PublicKey, error) {
	certificate, err := c.certificate(ctx, url)
	if err != nil {
		return nil, err
	}
	if now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return nil, errSNSCertificate
	}
	return snsKey(certificate)
}

func (c *snsCertificates) certificate(ctx context.Context, url string) (*x509.Certificate, error) {
	if entry, ok := c.cached(url); ok {
		return entry.certificate, entry.err
	}
	// Whoever comes first fetches for all, and under its own deadline only: if it goes away,
	// the others still get the certificate.
	found, err, _ := c.flight.Do(url, func() (any, error) {
		if entry, ok := c.cached(url); ok {
			return entry.certificate, entry.err
		}
		return c.fetch(context.WithoutCancel(ctx), url)
	})
	certificate, _ := found.(*x509.Certificate)
	return certificate, err //nolint:wrapcheck // made by fetch
}

func (c *snsCertificates) fetch(ctx context.Context, url string) (*x509.Certificate, error) {
	if !c.limit.Allow() {
		return nil, fmt.Errorf("signing certificate: %w: too many different ones were asked for", source.ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(ctx, snsCertTimeout)
	defer cancel()
	text, err := fetch(ctx, c.client, url, maxSNSCertificate)
	var certificate *x509.Certificate
	if err != nil {
		err = fmt.Errorf("fetch the signing certificate: %w: %w", source.ErrUnavailable, err)
	} else {
		certificate, err = parseSNSCertificate(text)
	}
	c.keep(snsEntry{url: url, certificate: certificate, err: err, at: time.Now()})
	return certificate, err
}

func (c *snsCertificates) cached(url string) (snsEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry, ok := c.good.take(url); ok {
		c.good = append(c.good, entry)
		return entry, true
	}
	entry, ok := c.bad.take(url)
	if !ok || time.Since(entry.at) > snsCertRetry {
		return snsEntry{}, false
	}
	c.bad = append(c.bad, entry)
	return entry, true
}

// keep keeps bad ones apart, so that made-up URLs push no good one out.
func (c *snsCertificates) keep(entry snsEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cache := &c.good
	if entry.err != nil {
		cache = &c.bad
	}
	if len(*cache) == maxSNSCached {
		*cache = (*cache)[1:]
	}
	*cache = append(*cache, entry)
}

func (cache *snsCache) take(url string) (snsEntry, bool) {
	for i, entry := range *cache {
		if entry.url == url {
			*cache = append((*cache)[:i:i], (*cache)[i+1:]...)
			return entry, true
		}
	}
	return snsEntry{}, false
}

func parseSNSCertificate(text []byte) (*x509.Certificate, error) {
	certificate, err := parseCertificate(text)
	if err != nil {
		return nil, errSNSCertificate
	}
	if !slices.ContainsFunc(certificate.DNSNames, snsCertName.MatchString) {
		return nil, errSNSCertificate
	}
	return certificate, nil
}

// parseCertificate reads the first certificate of a PEM text.
func parseCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("is no certificate in PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("is no readable certificate")
	}
	return certificate, nil
}

func snsKey(certificate *x509.Certificate) (*rsa.PublicKey, error) {
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok || strongEnough(key) != nil {
		return nil, errSNSCertificate
	}
	return key, nil
}
