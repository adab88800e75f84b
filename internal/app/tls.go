package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"sever/internal/config"
)

// loadTLS reads the certificate that senders see; nil without TLS.
func loadTLS(settings *config.TLS) (*tls.Config, error) {
	if settings == nil {
		return nil, nil //nolint:nilnil // no TLS is not an error
	}
	cert, err := tls.LoadX509KeyPair(string(settings.Cert), string(settings.Key))
	if err != nil {
		return nil, fmt.Errorf("tls.cert, tls.key: %w", err)
	}
	loaded := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if settings.ClientCA == "" {
		return loaded, nil
	}
	bundle, err := os.ReadFile(string(settings.ClientCA))
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca: %w", err)
	}
	loaded.ClientCAs = x509.NewCertPool()
	if !loaded.ClientCAs.AppendCertsFromPEM(bundle) {
		return nil, errors.New("tls.client_ca: holds no certificate in PEM")
	}
	loaded.ClientAuth = tls.RequireAndVerifyClientCert
	if settings.ClientAuth == "optional" {
		loaded.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return loaded, nil
}
