package ssf

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Metadata is a transmitter's configuration (Shared Signals Framework 1.0, 7.1).
type Metadata struct {
	Issuer          string   `json:"issuer"`
	JWKS            string   `json:"jwks_uri"`
	Configuration   string   `json:"configuration_endpoint"`
	Status          string   `json:"status_endpoint"`
	Verification    string   `json:"verification_endpoint"`
	DeliveryMethods []string `json:"delivery_methods_supported"`
	// DefaultSubjects is ALL or NONE. With NONE a new stream brings nothing until people
	// are added to it at the transmitter.
	DefaultSubjects string `json:"default_subjects"`
}

// wellKnown is where the configuration is: the well-known part goes before the issuer's
// path (RFC 8615; framework 7.2.1).
func wellKnown(issuer string) (*url.URL, error) {
	at, err := parseURL(issuer)
	switch {
	case err != nil:
		return nil, err
	case at.RawQuery != "" || at.ForceQuery:
		return nil, errors.New("an issuer has no query")
	}
	path := strings.TrimSuffix(at.EscapedPath(), "/")
	return at.Parse("/.well-known/ssf-configuration" + path) //nolint:wrapcheck // a path that was parsed before
}

func readMetadata(body []byte, issuer string) (Metadata, error) {
	said, err := parseObject(body)
	if err != nil {
		return Metadata{}, err
	}
	metadata := Metadata{
		Issuer: said.text("issuer"), JWKS: said.text("jwks_uri"), Configuration: said.text("configuration_endpoint"),
		Status: said.text("status_endpoint"), Verification: said.text("verification_endpoint"),
		DeliveryMethods: texts(said["delivery_methods_supported"]), DefaultSubjects: said.text("default_subjects"),
	}
	if metadata.Issuer != issuer {
		return Metadata{}, errors.New("it is of another issuer than ssf.transmitter; write that exactly as the transmitter does, also a slash at its end")
	}
	own, err := parseURL(issuer)
	if err != nil {
		return Metadata{}, err
	}
	for name, address := range map[string]string{
		"jwks_uri": metadata.JWKS, "configuration_endpoint": metadata.Configuration,
		"status_endpoint": metadata.Status, "verification_endpoint": metadata.Verification,
	} {
		if address == "" {
			continue
		}
		endpoint, err := parseURL(address)
		if err != nil {
			return Metadata{}, fmt.Errorf("its %s %w", name, err)
		}
		if isLoopback(endpoint) && !isLoopback(own) {
			// Nobody elsewhere sends our token to this machine.
			return Metadata{}, fmt.Errorf("its %s is this machine", name)
		}
	}
	return metadata, nil
}

// texts reads a list of texts, or a single one.
func texts(value any) []string {
	if text, ok := value.(string); ok {
		return []string{text}
	}
	list, _ := value.([]any)
	var found []string
	for _, entry := range list {
		if text, ok := entry.(string); ok {
			found = append(found, text)
		}
	}
	return found
}
